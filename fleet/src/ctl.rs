//! `fleetctl`: what operators ask and tell a fleet. It knows no more than the API under `/v1` says, so whatever it
//! does, a program can do, too.
//!
//! ```text
//! arguments ─► context (address, token, authority) ─► client ─► /v1/… ─► rows ─► table | json | csv | name
//! ```
//! Data goes to the standard output, everything else to the standard error. Every failure names its next command
//! and has an exit code that stays ([`failure`](self)).

mod address;
mod ask;
mod catalog;
mod change;
mod client;
mod contexts;
mod doctor;
mod enrol;
mod failure;
mod fetch;
mod filters;
mod jobs;
mod kiosk;
mod kiosks;
mod line;
mod lists;
mod login;
mod output;
mod people;
mod progress;
mod records;
mod releases;
mod rollouts;
mod sales;
mod screen;
mod status;
mod stock;
mod table;
mod words;

use std::process::ExitCode;

use clap::{CommandFactory as _, Parser, Subcommand};

use client::Client;
use failure::{Exit, Result};
use screen::Screen;

/// Asks and tells a fleet of kiosks.
#[derive(Parser, Debug)]
#[command(name = "fleetctl", version, after_help = failure::EXIT_CODES, disable_help_subcommand = true)]
pub struct Arguments {
    /// Which fleet: a name of `fleetctl context ls`; with `login` the name that it gets.
    #[arg(long, global = true, value_name = "NAME")]
    context: Option<String>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    Login(login::Login),
    /// Which fleets you are logged in to, and which one counts.
    #[command(subcommand)]
    Context(login::ContextCommand),
    Status(status::Status),
    Ls(kiosks::Ls),
    Show(kiosk::ShowKiosk),
    Set(change::Set),
    Rename(change::Rename),
    Tag(change::Tag),
    Run(jobs::Run),
    Jobs(jobs::Jobs),
    Logs(fetch::Logs),
    Shot(fetch::Shot),
    Diagnose(fetch::Diagnose),
    Enroll(enrol::Enroll),
    Claim(enrol::ClaimMachine),
    Decommission(kiosk::Decommission),
    Stock(stock::Stock),
    /// What kiosks sell.
    #[command(subcommand)]
    Catalog(catalog::CatalogCommand),
    /// Releases that kiosks can be updated to.
    #[command(subcommand)]
    Release(releases::ReleaseCommand),
    /// How a release comes to kiosks.
    #[command(subcommand)]
    Rollout(rollouts::RolloutCommand),
    Orders(sales::Orders),
    #[command(subcommand)]
    Order(sales::OrderCommand),
    Tasks(sales::Tasks),
    Quarantine(records::Quarantine),
    Events(records::Events),
    Audit(records::Audit),
    Filters(filters::Filters),
    Sites(records::Sites),
    Tokens(records::Tokens),
    People(people::People),
    Doctor(doctor::Doctor),
    /// Lines for a shell that completes what you type.
    #[command(after_help = "Example: fleetctl completions bash > /etc/bash_completion.d/fleetctl")]
    Completions {
        /// Which shell.
        shell: clap_complete::Shell,
    },
}

/// Does what was asked, says what went wrong, and tells how it ended.
pub fn run(arguments: &Arguments) -> ExitCode {
    let screen = Screen::new();
    let exit = obey(&screen, arguments).unwrap_or_else(|failure| {
        screen.complain(&failure);
        failure.exit
    });
    exit.into()
}

fn obey(screen: &Screen, arguments: &Arguments) -> Result<Exit> {
    let context = arguments.context.as_deref();
    let client = || contexts::target(context).and_then(Client::new);
    match &arguments.command {
        Command::Login(login) => login.run(screen, context),
        Command::Context(command) => command.run(screen),
        Command::Status(status) => status.run(screen, &client()?),
        Command::Ls(ls) => ls.run(screen, &client()?),
        Command::Show(show) => show.run(screen, &client()?),
        Command::Set(set) => set.run(screen, &client()?),
        Command::Rename(rename) => rename.run(&client()?),
        Command::Tag(tag) => tag.run(screen, &client()?),
        Command::Run(run) => run.run(screen, &client()?),
        Command::Jobs(jobs) => jobs.run(screen, &client()?),
        Command::Logs(logs) => logs.run(screen, &client()?),
        Command::Shot(shot) => shot.run(screen, &client()?),
        Command::Diagnose(diagnose) => diagnose.run(screen, &client()?),
        Command::Enroll(enroll) => enroll.run(screen, &client()?),
        Command::Claim(claim) => claim.run(screen, &client()?),
        Command::Decommission(decommission) => decommission.run(screen, &client()?),
        Command::Stock(stock) => stock.run(screen, &client()?),
        Command::Catalog(command) => command.run(screen, &client()?),
        Command::Release(command) => command.run(screen, &client()?),
        Command::Rollout(command) => command.run(screen, &client()?),
        Command::Orders(orders) => orders.run(screen, &client()?),
        Command::Order(command) => command.run(screen, &client()?),
        Command::Tasks(tasks) => tasks.run(screen, &client()?),
        Command::Quarantine(quarantine) => quarantine.run(screen, &client()?),
        Command::Events(events) => events.run(screen, &client()?),
        Command::Audit(audit) => audit.run(screen, &client()?),
        Command::Filters(filters) => filters.run(screen, &client()?),
        Command::Sites(sites) => sites.run(screen, &client()?),
        Command::Tokens(tokens) => tokens.run(screen, &client()?),
        Command::People(people) => people.run(screen, &client()?),
        Command::Doctor(doctor) => doctor.run(screen, contexts::target(context)?),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(*shell, &mut Arguments::command(), "fleetctl", &mut script);
            screen.print(&String::from_utf8_lossy(&script))?;
            Ok(Exit::Done)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Words of a line as a shell takes them apart; a pipe or a file to write to ends them.
    fn words(line: &str) -> Vec<String> {
        let (mut words, mut quoted) = (vec![String::new()], None);
        for c in line.chars() {
            match (quoted, c) {
                (Some(quote), c) if c == quote => quoted = None,
                (Some(_), c) => words.last_mut().unwrap().push(c),
                (None, '\'' | '"') => quoted = Some(c),
                (None, ' ') => words.push(String::new()),
                (None, c) => words.last_mut().unwrap().push(c),
            }
        }
        words
            .into_iter()
            .filter(|word| !word.is_empty())
            .take_while(|word| *word != "|" && *word != ">")
            .collect()
    }

    #[track_caller]
    fn is_understood(line: &str) {
        if let Err(error) = Arguments::try_parse_from(words(line)) {
            panic!("{line}: {error}");
        }
    }

    fn examples(command: &clap::Command) -> Vec<String> {
        let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        let plain = help.lines().filter(|line| !line.contains('`'));
        let lines = plain.filter_map(|line| line.find("fleetctl ").map(|at| line[at..].to_owned()));
        // A remark stands behind several blanks.
        let own = lines.map(|line| line.split("   ").next().unwrap_or_default().to_owned());
        own.chain(command.get_subcommands().flat_map(examples)).collect()
    }

    #[test]
    fn every_example_of_the_help_is_understood() {
        let command = Arguments::command();
        command.clone().debug_assert();
        let examples = examples(&command);
        assert!(examples.len() > 30, "{examples:?}");
        examples.iter().for_each(|line| is_understood(line));
    }

    #[test]
    fn every_line_of_the_manual_is_understood_and_its_exit_codes_are_those_of_the_help() {
        let manual = include_str!("../../docs/fleetctl.md");
        let mut checked = 0;
        for line in manual.lines() {
            if line.starts_with("fleetctl ") {
                is_understood(line);
                checked += 1;
            }
            let Some(cell) = line.strip_prefix("| `").and_then(|rest| rest.split(" | ").next()) else {
                continue;
            };
            for code in format!("`{cell}").split('`').skip(1).step_by(2) {
                is_understood(&format!("fleetctl {code}"));
                checked += 1;
            }
        }
        assert!(checked > 30, "{checked}");
        for line in failure::EXIT_CODES.lines().filter(|line| line.starts_with("  ")).take(8) {
            let (code, meaning) = line.trim().split_once(' ').unwrap();
            let row = manual.lines().find(|row| row.starts_with(&format!("| {code} |"))).unwrap();
            let words = meaning.trim().trim_start_matches("usage: ").replace('`', "");
            assert!(row.replace('`', "").contains(&words), "{row}: {words}");
        }
    }
}
