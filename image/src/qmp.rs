//! QEMU's machine protocol (<https://www.qemu.org/docs/master/interop/qmp-spec.html>), as much as is used here.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use serde_json::{Value, json};

/// For one answer. Under software emulation a screenshot takes its time.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// A connection to a running QEMU.
pub struct Qmp {
    stream: BufReader<UnixStream>,
}

impl Qmp {
    /// Connects and greets.
    ///
    /// # Errors
    /// QEMU does not answer.
    pub fn connect(socket: &Path) -> anyhow::Result<Self> {
        let stream = crate::console::connect(socket)?;
        stream.set_read_timeout(Some(ANSWER_WITHIN))?;
        let mut qmp = Self { stream: BufReader::new(stream) };
        qmp.line()?;
        qmp.execute("qmp_capabilities", &json!({}))?;
        Ok(qmp)
    }

    /// Does a command and returns what it answers.
    ///
    /// # Errors
    /// QEMU says no, or nothing.
    pub fn execute(&mut self, command: &str, arguments: &Value) -> anyhow::Result<Value> {
        let request = json!({ "execute": command, "arguments": arguments });
        self.stream.get_mut().write_all(request.to_string().as_bytes())?;
        loop {
            let mut answer = self.line()?;
            if let Some(error) = answer.get("error") {
                anyhow::bail!("{command}: {error}");
            }
            if answer.get("return").is_some() {
                return Ok(answer["return"].take());
            }
        }
    }

    /// Saves what the screen shows as PNG.
    ///
    /// # Errors
    /// QEMU cannot write there.
    pub fn screenshot(&mut self, file: &Path) -> anyhow::Result<()> {
        let path = std::path::absolute(file)?;
        self.execute("screendump", &json!({ "filename": path, "format": "png" })).map(drop)
    }

    /// Waits for the end of the guest; tells whether it wants to start again.
    ///
    /// # Errors
    /// QEMU's words cannot be read.
    pub fn ends_with_restart(&mut self) -> anyhow::Result<bool> {
        self.stream.get_mut().set_read_timeout(None)?;
        let mut line = String::new();
        let mut restarts = false;
        while self.stream.read_line(&mut line)? > 0 {
            let event: Value = serde_json::from_str(&line)?;
            if event["event"] == "SHUTDOWN" {
                restarts = event["data"]["reason"] == "guest-reset";
            }
            line.clear();
        }
        Ok(restarts)
    }

    fn line(&mut self) -> anyhow::Result<Value> {
        let mut line = String::new();
        self.stream.read_line(&mut line).context("QEMU does not answer")?;
        serde_json::from_str(&line).context("QEMU's answer")
    }
}
