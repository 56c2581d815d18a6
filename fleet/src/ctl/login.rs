//! Logging in, and which fleet is meant.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use clap::Subcommand;
use serde::Deserialize;
use serde_json::{Value, json};

use super::address::Address;
use super::ask;
use super::client::Client;
use super::contexts::{Context, Contexts, Target, Token, read_ca};
use super::failure::{Exit, Failure, Result};
use super::output::{As, Column, Show, column, list};
use super::screen::Screen;
use super::table::{Cell, Tone};

/// The name of the context of a fleet on this machine.
const LOCAL: &str = "local";

/// Longest token file.
const FILE_MAX: u64 = 4096;

/// Log in to a fleet.
///
/// The token is checked there and kept in a context, readable by you only. On the machine of `fleetd embedded`, --data says everything.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  fleetctl login --data /var/lib/fleet
  fleetctl login https://fleet.example:8443 --ca fleet-ca.pem --token-file token
  fleetctl login https://fleet.example:8443 --ca fleet-ca.pem --name ana@example.com
  pass show fleet | fleetctl login https://fleet.example --token -")]
pub(super) struct Login {
    /// Where the fleet is, for example https://fleet.example:8443.
    #[arg(required_unless_present = "data")]
    url: Option<String>,
    /// The folder of `fleetd embedded` on this machine: address, token and authority are in it.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["url", "token_file", "token", "ca"])]
    data: Option<PathBuf>,
    /// A file with the token; without it you are asked.
    #[arg(long, value_name = "FILE", conflicts_with = "token")]
    token_file: Option<PathBuf>,
    /// `-`: the token comes on the standard input. (On the command line others could read it.)
    #[arg(long, value_name = "-")]
    token: Option<String>,
    /// Log in as a person; you are asked for the password. The session lasts twelve hours.
    #[arg(long, conflicts_with_all = ["data", "token_file", "token"])]
    name: Option<String>,
    /// `-`: the password comes on the standard input.
    #[arg(long, value_name = "-", requires = "name")]
    password: Option<String>,
    /// The certificate of the fleet's authority, PEM; without it the system's authorities count.
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
}

/// What somebody shows to be let in: a token, or a password that gets one.
fn token(screen: &Screen, login: &Login, address: &Address, ca: Option<&str>) -> Result<Token> {
    if let Some(name) = &login.name {
        let question = format!("Password of {name} at {address}: ");
        let password = secret(screen, login.password.as_deref(), &question)?;
        let target =
            Target { context: None, address: address.clone(), token: None, ca: ca.map(str::to_owned) };
        let body = json!({ "name": name, "password": password });
        let session = Client::new(target)?.post("/v1/login", &body)?;
        return Token::new(session["token"].as_str().unwrap_or_default());
    }
    match &login.token_file {
        Some(path) => Token::new(&read_short(path)?),
        None => Token::new(&secret(screen, login.token.as_deref(), &format!("Token for {address}: "))?),
    }
}

/// A secret: from the standard input if `given` is `-`, else from the person at the terminal.
pub(super) fn secret(screen: &Screen, given: Option<&str>, question: &str) -> Result<String> {
    match given {
        Some("-") => {
            let mut text = String::new();
            std::io::stdin()
                .lock()
                .take(FILE_MAX)
                .read_to_string(&mut text)
                .map_err(|error| Failure::io("read the standard input", &error))?;
            Ok(text.trim_end_matches(['\n', '\r']).to_owned())
        }
        Some(_) => Err(Failure::usage("a secret on the command line can be read by others")
            .next("-, and the secret on the standard input; change that secret if it was real")),
        None if screen.answers => ask::secret(screen, question),
        None => Err(Failure::usage("a secret is needed, and nobody is here to be asked")
            .next("--token-file FILE; or --token - or --password -, and the secret on the standard input")),
    }
}

impl Login {
    pub(super) fn run(&self, screen: &Screen, context: Option<&str>) -> Result<Exit> {
        match (&self.data, &self.url) {
            (Some(data), _) => local(screen, data, context.unwrap_or(LOCAL)),
            (None, url) => {
                let address = Address::parse(url.as_deref().unwrap_or_default())?;
                let ca = self.ca.as_deref().map(read_ca).transpose()?;
                let token = token(screen, self, &address, ca.as_deref())?;
                let name = context.map_or_else(|| address.host.clone(), str::to_owned);
                let target = Target { context: None, address, token: Some(token), ca };
                enter(screen, target, &name)
            }
        }
    }
}

/// What `fleetd embedded` writes down.
#[derive(Deserialize)]
struct Known {
    http: Option<std::net::SocketAddr>,
    https: Option<std::net::SocketAddr>,
}

fn local(screen: &Screen, data: &Path, name: &str) -> Result<Exit> {
    let not_ours = |what: String| {
        Failure::failed(what).next(format!("fleetd embedded --data {}; then again", data.display()))
    };
    let text = read_short(&data.join("api.toml")).map_err(|failure| {
        if failure.what.contains("No such file") {
            not_ours(format!("no fleet runs in {}", data.display()))
        } else {
            failure
        }
    })?;
    let known: Known =
        toml::from_str(&text).map_err(|_| not_ours("api.toml cannot be understood".to_owned()))?;
    let token = Token::new(&read_short(&data.join("admin-token"))?)?;
    // HTTPS as everybody else, so that what is wrong with it shows here, too.
    let (address, ca) = match (known.https, known.http) {
        (Some(https), _) => (
            Address { secure: true, host: "localhost".to_owned(), port: https.port() },
            Some(read_ca(&data.join("ca").join("fleet-ca.pem"))?),
        ),
        (None, Some(http)) => (Address::parse(&format!("http://{http}"))?, None),
        (None, None) => return Err(not_ours("that fleet has no API".to_owned())),
    };
    enter(screen, Target { context: None, address, token: Some(token), ca }, name)
}

fn read_short(path: &Path) -> Result<String> {
    let failed = |error| Failure::io(format!("read {}", path.display()), &error);
    let mut text = String::new();
    let file = std::fs::File::open(path).map_err(failed)?;
    file.take(FILE_MAX).read_to_string(&mut text).map_err(failed)?;
    Ok(text)
}

/// Keeps a login that the fleet lets in, and makes it the current one.
fn enter(screen: &Screen, target: Target, name: &str) -> Result<Exit> {
    if name.is_empty() || name.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err(Failure::usage(format!("{name:?} is no name of a context: one word")));
    }
    let client = Client::new(target)?;
    let me = client.get("/v1/me")?;
    let Target { address, token: Some(token), ca, .. } = client.target().clone() else {
        return Err(client.strange("no token"));
    };
    let word = |key: &str| me[key].as_str().map(str::to_owned).ok_or_else(|| client.strange("nobody"));
    let (role, tenant) = (word("role")?, word("tenant")?);
    let mut contexts = Contexts::load()?;
    let url = address.to_string();
    contexts.context.insert(name.to_owned(), Context { url, token, ca });
    contexts.current = Some(name.to_owned());
    contexts.save()?;
    screen.note(&format!(
        "Logged in to {address} as {role} of {tenant}; context {name}. Next: fleetctl status"
    ));
    Ok(Exit::Done)
}

/// Which fleets you are logged in to.
#[derive(Subcommand, Debug)]
pub(super) enum ContextCommand {
    /// All of them.
    Ls(As),
    /// Make another the current one.
    Use {
        /// Its name.
        name: String,
    },
    /// Forget one. Its token stays good: `fleetctl tokens revoke` takes it back.
    Rm {
        /// Its name.
        name: String,
    },
}

const CONTEXTS: &[Column] = &[
    column("CONTEXT", "/name", Show::Plain),
    column("URL", "/url", Show::Plain),
    column("CURRENT", "/current", Show::With(current)),
];

fn current(row: &Value) -> Cell {
    if row["current"] == true { Cell { text: "yes".to_owned(), tone: Tone::Good } } else { Cell::default() }
}

impl ContextCommand {
    pub(super) fn run(&self, screen: &Screen) -> Result<Exit> {
        let mut contexts = Contexts::load()?;
        match self {
            Self::Ls(form) => {
                let row = |(name, context): (&String, &Context)| json!({ "name": name, "url": context.url, "current": contexts.current.as_ref() == Some(name) });
                let rows: Vec<Value> = contexts.context.iter().map(row).collect();
                list(screen, form.output, CONTEXTS, &rows)?;
            }
            Self::Use { name } => {
                contexts.named(name)?;
                contexts.current = Some(name.clone());
                contexts.save()?;
            }
            Self::Rm { name } => {
                contexts.named(name)?;
                contexts.context.remove(name);
                contexts.current = contexts.current.filter(|current| current != name);
                contexts.save()?;
            }
        }
        Ok(Exit::Done)
    }
}
