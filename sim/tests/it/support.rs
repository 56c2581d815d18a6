//! What several tests need.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use sim::device::Device;

/// Nothing here takes longer than this, even on a busy machine.
pub const LIMIT: Duration = Duration::from_secs(20);

/// Waits until the state of `device` satisfies `condition`.
pub async fn until(device: &Arc<impl Device + ?Sized>, condition: impl Fn(&Value) -> bool) -> Value {
    let mut changes = device.changes();
    let waiting = async {
        loop {
            let state = device.state();
            if condition(&state) {
                return state;
            }
            changes.changed().await.unwrap();
        }
    };
    let result = tokio::time::timeout(LIMIT, waiting).await;
    result.unwrap_or_else(|_| panic!("it never came to that: {:#}", device.state()))
}

/// Opens a pseudo terminal as a serial driver would.
pub fn open_tty(path: &Path) -> Tty {
    // O_NOCTTY: the test must not get the printer as its controlling terminal.
    let flags = nix::fcntl::OFlag::O_NOCTTY.bits();
    Tty(OpenOptions::new().read(true).write(true).custom_flags(flags).open(path).unwrap())
}

/// A serial client; its calls block and run on a thread of their own.
pub struct Tty(File);

impl Tty {
    pub async fn send(&self, bytes: &[u8]) {
        let (mut file, bytes) = (self.0.try_clone().unwrap(), bytes.to_vec());
        let writing = tokio::task::spawn_blocking(move || file.write_all(&bytes).unwrap());
        tokio::time::timeout(LIMIT, writing).await.expect("the printer takes the bytes").unwrap();
    }

    pub async fn receive(&self, count: usize) -> Vec<u8> {
        let mut file = self.0.try_clone().unwrap();
        let reading = tokio::task::spawn_blocking(move || {
            let mut bytes = vec![0; count];
            file.read_exact(&mut bytes).map(|()| bytes)
        });
        tokio::time::timeout(LIMIT, reading).await.expect("the printer answers").unwrap().unwrap()
    }
}

impl Tty {
    /// Whether the other end has pulled the cable; waits for it, reading on.
    pub async fn hung_up(&self) -> bool {
        let mut file = self.0.try_clone().unwrap();
        let reading = tokio::task::spawn_blocking(move || file.read_to_end(&mut Vec::new()));
        tokio::time::timeout(LIMIT, reading).await.is_ok()
    }
}

/// The bytes of a fixture.
pub fn fixture(name: &str) -> Vec<u8> {
    let path = Path::new("tests/it/fixtures").join(format!("{name}.hex"));
    let text = std::fs::read_to_string(path).unwrap();
    text.split_whitespace().map(|byte| u8::from_str_radix(byte, 16).unwrap()).collect()
}

/// What zbar (Debian's `zbar-tools`) reads in a picture, sorted.
pub fn read_codes(png: &[u8]) -> Vec<String> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("receipt.png");
    std::fs::write(&path, png).unwrap();
    let output = std::process::Command::new("zbarimg").args(["--quiet", "-Supce.enable"]).arg(&path).output();
    let output = output.expect("zbarimg is installed: apt install zbar-tools");
    let mut codes: Vec<String> =
        String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect();
    codes.sort();
    codes
}
