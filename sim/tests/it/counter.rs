//! The scanner and the customer display over real pseudo terminals, and everything together in one run.

use std::path::Path;
use std::sync::Arc;

use clap::Parser;
use sim::device::{Device, Port, Shutdown, VerbError, Wired};
use sim::line_display::{Dialect, LineDisplay};
use sim::run::{self, Options};
use sim::scanner::{Config, Scanner};

use crate::support::{open_tty, until};

fn words(line: &str) -> Vec<String> {
    line.split(' ').map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scanned_code_arrives_and_an_unplugged_scanner_is_noticed() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("scanner");
    let scanner = Scanner::new(Config::default());
    let (_running, shutdown) = Shutdown::channel();
    tokio::spawn(Arc::clone(&scanner).run(Port::pty(&path).unwrap(), shutdown));
    let refused = scanner.verb("scan", &words("2000000000015"));
    assert!(matches!(refused, Err(VerbError::Refused(_))), "nobody listens yet");

    let tty = open_tty(&path);
    until(&scanner, |state| state["connected"] == true).await;
    scanner.verb("scan", &words("2000000000015")).unwrap();
    assert_eq!(tty.receive(17).await, b"]E02000000000015\r");

    scanner.verb("slow", &words("1")).unwrap();
    scanner.verb("long", &words("200")).unwrap();
    assert_eq!(tty.receive(204).await.last(), Some(&b'\r'));
    scanner.verb("clear", &[]).unwrap();

    scanner.verb("unplug-mid-code", &[]).unwrap();
    scanner.verb("scan", &words("2000000000022")).unwrap();
    until(&scanner, |state| state["connected"] == false).await;
    assert!(!path.exists());
    assert!(tty.hung_up().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_display_shows_what_is_written_to_it() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("display");
    let display = LineDisplay::new(Dialect::Cd5220);
    let (_running, shutdown) = Shutdown::channel();
    tokio::spawn(Arc::clone(&display).run(Port::pty(&path).unwrap(), shutdown));
    let tty = open_tty(&path);
    tty.send(b"\x1b@\x0c\x1bQAFlat white          \r").await;
    tty.send(b"\x1bQB          EUR 4.20  \r").await;
    let state = until(&display, |state| state["lines"][1] == "          EUR 4.20  ").await;
    assert_eq!(state["lines"][0], "Flat white          ");
    assert_eq!(state["connected"], true);
}

/// Options as the command line would give them.
#[derive(Debug, Parser)]
struct Words {
    #[command(flatten)]
    options: Options,
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_names_the_endpoints_of_every_device_and_leaves_out_what_is_not_wanted() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path().to_str().unwrap();
    let start = async |more: &[&str]| {
        let line = [&["sim", "--dir", dir, "--printer-instant"][..], more].concat();
        let (switch, shutdown) = Shutdown::channel();
        let rig = run::start(&Words::parse_from(line).options, shutdown).await.unwrap();
        let ready = rig.ready();
        switch.send_replace(true);
        rig.join().await;
        ready
    };
    let ready = start(&[]).await;
    assert!(ready["terminal"].as_str().unwrap().starts_with("tcp://127.0.0.1:"));
    let at = |name: &str| Path::new(dir).join(name).display().to_string();
    assert_eq!(
        (ready["scanner"].clone(), ready["display"].clone()),
        (at("scanner").into(), at("display").into())
    );

    let ready = start(&["--terminal-pty", "--no-scanner", "--no-display", "--terminal-mode", "manual"]).await;
    assert_eq!(ready["terminal"], at("terminal"));
    assert!(ready.get("scanner").is_none() && ready.get("display").is_none());
}
