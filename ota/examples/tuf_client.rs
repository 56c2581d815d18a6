//! The thin client that the public `tuf-conformance` suite drives (`ota/tests/conformance/`). Plain HTTP on loopback.

use std::io::{Error, Read as _, Write as _};
use std::net::TcpStream;
use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Context as _;
use clap::{Parser, Subcommand};
use ota::trust::{Client, Fetch, Kept};

#[derive(Parser)]
struct Arguments {
    #[arg(long)]
    metadata_dir: PathBuf,
    #[arg(long, default_value = "")]
    metadata_url: String,
    #[arg(long)]
    target_name: Vec<String>,
    #[arg(long, default_value = "")]
    target_base_url: String,
    #[arg(long, default_value = ".")]
    target_dir: PathBuf,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Init { root: PathBuf },
    Refresh,
    Download,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let kept = Kept::in_folder(&arguments.metadata_dir);
    if let Command::Init { root } = &arguments.command {
        return Ok(kept.init(&std::fs::read(root)?)?);
    }
    let now_s = i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs())?;
    let client = Client::refresh(&kept, &mut Http(arguments.metadata_url), now_s)?;
    let mut targets = Http(arguments.target_base_url);
    for name in &arguments.target_name {
        let path = arguments.target_dir.join(name.replace('%', "%25").replace('/', "%2F"));
        let is_there = std::fs::read(&path).is_ok_and(|bytes| client.is_target(name, &bytes));
        if !is_there {
            std::fs::write(&path, client.fetch(name, &mut targets)?)?;
        }
    }
    Ok(())
}

/// Files below an address.
struct Http(String);

impl Fetch for Http {
    fn fetch(&mut self, name: &str, limit: u64) -> std::io::Result<Option<Vec<u8>>> {
        get(&format!("{}/{name}", self.0.trim_end_matches('/')), limit).map_err(Error::other)
    }
}

fn get(url: &str, limit: u64) -> anyhow::Result<Option<Vec<u8>>> {
    let rest = url.strip_prefix("http://").context("only http:// is spoken here")?;
    let (host, path) = rest.split_once('/').context("an address has a path")?;
    let mut stream = TcpStream::connect(host)?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    write!(stream, "GET /{path} HTTP/1.0\r\nHost: {host}\r\nConnection: close\r\n\r\n")?;
    let mut answer = Vec::new();
    // The head of an answer is never as long as this.
    stream.take(limit + 8192).read_to_end(&mut answer)?;
    let end = answer.windows(4).position(|part| part == b"\r\n\r\n").context("no end of the header")?;
    let body = answer.split_off(end + 4);
    match answer.get(9..12) {
        Some(b"200") => Ok(Some(body)),
        Some(b"404" | b"403") => Ok(None),
        _ => anyhow::bail!("the server answers {}", String::from_utf8_lossy(&answer)),
    }
}
