//! The payment terminal in a run.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use jiff::tz::TimeZone;

use super::RunError;
use crate::device::Port;
use crate::rig::Rig;
use crate::terminal::{Config, Framing, Mode, Pace, Reversible, Terminal, Unanswered};

/// What can be chosen about the payment terminal.
#[derive(Debug, Clone, clap::Args)]
pub struct TerminalArgs {
    /// Listen on TCP (the default, 127.0.0.1:0); port 0 = any
    #[arg(long, value_name = "ADDR")]
    pub terminal_tcp: Option<SocketAddr>,
    /// Open the pseudo terminal DIR/terminal instead of a TCP port
    #[arg(long, conflicts_with = "terminal_tcp")]
    pub terminal_pty: bool,
    /// How messages travel; without it `stream` over TCP and `crc` over the pseudo terminal
    #[arg(long)]
    pub terminal_framing: Option<Framing>,
    /// Who presents the card
    #[arg(long, default_value = "auto")]
    pub terminal_mode: Mode,
    /// Milliseconds until the imaginary customer presents the card
    #[arg(long, default_value_t = 1500, value_name = "MS")]
    pub terminal_card_ms: u64,
    /// Milliseconds until the imaginary customer has entered the PIN
    #[arg(long, default_value_t = 1200, value_name = "MS")]
    pub terminal_pin_ms: u64,
    /// Milliseconds until the bank answers
    #[arg(long, default_value_t = 900, value_name = "MS")]
    pub terminal_host_ms: u64,
    /// Milliseconds until the terminal gives up waiting for a card or a PIN
    #[arg(long, default_value_t = 60_000, value_name = "MS")]
    pub terminal_patience_ms: u64,
    /// Milliseconds until an unanswered message counts as lost (T3)
    #[arg(long, default_value_t = 5_000, value_name = "MS")]
    pub terminal_answer_ms: u64,
    /// What becomes of an approved payment whose result the kiosk does not answer
    #[arg(long, default_value = "reverse")]
    pub terminal_unanswered: Unanswered,
    /// Reverse any payment since the last end of day, not only the last one
    #[arg(long)]
    pub terminal_reverse_any: bool,
}

pub async fn add(rig: &mut Rig, dir: &Path, args: &TerminalArgs) -> Result<(), RunError> {
    let port = if args.terminal_pty {
        Port::pty(&dir.join("terminal"))
    } else {
        Port::tcp(args.terminal_tcp.unwrap_or((Ipv4Addr::LOCALHOST, 0).into())).await
    };
    let port = port.map_err(|source| RunError::Port { device: "terminal", source })?;
    let usual = if args.terminal_pty { Framing::Crc } else { Framing::Stream };
    let config = Config {
        framing: args.terminal_framing.unwrap_or(usual),
        mode: args.terminal_mode,
        unanswered: args.terminal_unanswered,
        reversible: match args.terminal_reverse_any {
            true => Reversible::SinceEndOfDay,
            false => Reversible::LastOnly,
        },
        zone: TimeZone::system(),
        pace: Pace {
            card: Duration::from_millis(args.terminal_card_ms),
            pin: Duration::from_millis(args.terminal_pin_ms),
            host: Duration::from_millis(args.terminal_host_ms),
            patience: Duration::from_millis(args.terminal_patience_ms),
            answer: Duration::from_millis(args.terminal_answer_ms),
            ..Pace::default()
        },
        ..Config::default()
    };
    rig.wire(Terminal::new(config, Some(dir.join("terminal.json")))?, port);
    Ok(())
}
