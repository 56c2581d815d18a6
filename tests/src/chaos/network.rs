//! A network of their own for the kiosks: a namespace with one cable to this machine, which can be cut.
//! Without the right to make one, they share this machine's network and their link is never cut.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::Context as _;

pub(super) struct Network {
    /// Under which address the kiosks see this machine.
    pub host: String,
    namespace: Option<Namespace>,
}

/// Deleted with its cable when dropped.
struct Namespace {
    name: String,
    cable: String,
}

impl Network {
    pub(super) fn make() -> anyhow::Result<Self> {
        if !nix::unistd::geteuid().is_root() || Command::new("ip").arg("-V").output().is_err() {
            println!(
                "chaos: no network of their own for the kiosks (needs root and iproute2): links stay whole"
            );
            return Ok(Self { host: "127.0.0.1".into(), namespace: None });
        }
        // Different for runs at the same time; a private range.
        let number = std::process::id() % 250;
        let (ours, theirs) = (format!("10.213.{number}.1"), format!("10.213.{number}.2"));
        let namespace = Namespace { name: format!("kiosks{number}"), cable: format!("kc{number}") };
        let (name, cable) = (&namespace.name, &namespace.cable);
        ip(&["netns", "add", name])?;
        ip(&["link", "add", cable, "type", "veth", "peer", "name", "eth0", "netns", name])?;
        ip(&["addr", "add", &format!("{ours}/30"), "dev", cable])?;
        ip(&["link", "set", cable, "up"])?;
        ip(&["-n", name, "addr", "add", &format!("{theirs}/30"), "dev", "eth0"])?;
        ip(&["-n", name, "link", "set", "lo", "up"])?;
        ip(&["-n", name, "link", "set", "eth0", "up"])?;
        Ok(Self { host: ours, namespace: Some(namespace) })
    }

    /// A command whose network this is.
    pub(super) fn command(&self, program: &Path) -> Command {
        match &self.namespace {
            Some(namespace) => {
                let mut command = Command::new("ip");
                command.args(["netns", "exec", &namespace.name]).arg(program);
                command
            }
            None => Command::new(program),
        }
    }

    /// Cuts the cable for a while: no packet, no reset, silence.
    pub(super) fn cut(&self, length: Duration) -> anyhow::Result<()> {
        let Some(namespace) = &self.namespace else { return Ok(()) };
        // The other end, so that this machine keeps its address and its sockets.
        ip(&["-n", &namespace.name, "link", "set", "eth0", "down"])?;
        std::thread::sleep(length);
        ip(&["-n", &namespace.name, "link", "set", "eth0", "up"])
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        // The cable goes with the namespace; what is left over of a failed start is of no use to anybody.
        drop(ip(&["netns", "del", &self.name]));
        drop(ip(&["link", "del", &self.cable]));
    }
}

fn ip(arguments: &[&str]) -> anyhow::Result<()> {
    let output = Command::new("ip").args(arguments).output().context("ip")?;
    let said = String::from_utf8_lossy(&output.stderr);
    anyhow::ensure!(output.status.success(), "ip {}: {}", arguments.join(" "), said.trim());
    Ok(())
}
