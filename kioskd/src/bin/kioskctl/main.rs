//! `kioskctl`: what people at the machine ask and tell the kiosk.

mod catalog;
mod check;
mod day;
mod output;
mod print;
mod reset;
mod reverse;
mod updates;
mod voice;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Parser, Subcommand, ValueEnum};
use kioskd::admin::client::ask;
use kioskd::admin::wire::{Request, Verdict};
use kioskd::settings::SearchPath;

/// Asks and tells the kiosk daemon of this machine. `catalog check` and `price` need no daemon.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// The daemon's socket; without it the one of the settings.
    #[arg(long, global = true, value_name = "SOCKET")]
    socket: Option<PathBuf>,
    /// Settings file to find the socket in, as given to kioskd.
    #[arg(long, global = true, value_name = "FILE")]
    config: Vec<PathBuf>,
    /// Print JSON instead of a table.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// How the kiosk is: what it shows, what is open, what it waits for.
    Status,
    /// How every device is.
    Devices,
    /// The newest orders.
    Orders {
        /// At most so many.
        #[arg(long, default_value_t = 20)]
        limit: u32,
    },
    /// One order.
    #[command(subcommand)]
    Order(OrderCommand),
    /// What is for sale.
    #[command(subcommand)]
    Catalog(catalog::CatalogCommand),
    /// Price a cart file against a catalog file: lines, tax groups and totals as JSON.
    Price {
        /// The cart (see docs/pricing.md).
        cart: PathBuf,
        /// The catalog: a JSON file or a folder of CSV files.
        #[arg(long)]
        catalog: PathBuf,
    },
    /// Receipts.
    #[command(subcommand)]
    Receipt(ReceiptCommand),
    /// What is wrong with this kiosk and how to fix it, one line per check.
    Check,
    /// A new address to see and touch the screen in a browser; it works once.
    Mirror,
    /// Decide a payment whose end nobody knows, after looking into the terminal's journal.
    Resolve {
        /// The payment's id, from `order show`.
        payment: String,
        /// What the terminal's journal says.
        verdict: VerdictArgument,
    },
    /// Say that a task of `status` was done.
    Done {
        /// The task's id.
        task: String,
    },
    /// Close the payment terminal's day and show its totals.
    EndOfDay,
    /// Open the cash drawer.
    OpenDrawer {
        /// Why; kept in the log.
        reason: String,
    },
    /// Stop selling.
    Close,
    /// Sell again.
    Open,
    /// Mark an item as sold out, or with --back as to be had again.
    SoldOut {
        /// The item's id.
        item: String,
        /// To be had again.
        #[arg(long)]
        back: bool,
    },
    /// Become a member of the fleet that the settings name, with the one-time code that the fleet made.
    Enroll {
        /// The code.
        code: String,
    },
    /// Which release runs, what is being installed, and how the last update ended.
    Updates {
        /// Without one: how updates are.
        #[command(subcommand)]
        command: Option<updates::UpdatesCommand>,
    },
    /// Make the kiosk as it left the works: delete what it has sold, its settings and its identity, and restart.
    FactoryReset {
        /// Also what was sold and is not at the fleet yet.
        #[arg(long)]
        losing_unsent: bool,
        /// Without asking.
        #[arg(long)]
        yes: bool,
    },
    /// Ordering by voice.
    #[command(subcommand)]
    Voice(voice::VoiceCommand),
    /// The last inputs of the core, for whoever has to find out what happened.
    Dump,
}

#[derive(Subcommand)]
enum OrderCommand {
    /// The order with its payments, receipts and kitchen tickets.
    Show {
        /// Its number, as K3-042, or its id.
        order: String,
    },
    /// The staff took its money at the counter.
    Paid {
        /// Its number or id.
        order: String,
    },
    /// Give up an order that nobody has paid.
    Cancel {
        /// Its number or id.
        order: String,
    },
    /// Give its money back.
    Reverse {
        /// Its number or id.
        order: String,
    },
}

#[derive(Subcommand)]
enum ReceiptCommand {
    /// Show a receipt as text; with --escpos write what a printer would get.
    Render {
        /// The order's number or id.
        order: String,
        /// Write ESC/POS bytes to this file.
        #[arg(long, value_name = "FILE")]
        escpos: Option<PathBuf>,
    },
    /// Print it again, marked as a copy.
    Reprint {
        /// The order's number or id.
        order: String,
    },
}

#[derive(Clone, Copy, ValueEnum)]
enum VerdictArgument {
    /// Money was taken.
    Taken,
    /// No money was taken.
    NotTaken,
    /// Money was taken and given back.
    GivenBack,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(&arguments) {
        Ok(code) => code,
        Err(error) => {
            output::complain(&format!("kioskctl: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    match &arguments.command {
        Command::Price { cart, catalog } => return catalog::price(cart, catalog).map(|()| ExitCode::SUCCESS),
        Command::Catalog(catalog::CatalogCommand::Check { file }) => return catalog::check(file),
        Command::Check => return check::check(arguments),
        Command::Voice(command) => return voice::run(arguments, command),
        _ => {}
    }
    let socket = socket(arguments)?;
    if let Command::FactoryReset { yes: false, .. } = &arguments.command {
        reset::confirmed(&socket)?;
    }
    let Some(request) = request(&arguments.command)? else { return Ok(ExitCode::SUCCESS) };
    let mut answer = ask(&socket, &request)?;
    if let Command::EndOfDay = arguments.command {
        answer = day::ended(&socket, answer)?;
    }
    if let Command::Order(OrderCommand::Reverse { order }) = &arguments.command {
        answer["done"] = reverse::ended(&socket, order)?.into();
    }
    if let Request::UpdatesInstall { .. } = request {
        return updates::followed(&socket, arguments.json);
    }
    if let Command::Receipt(ReceiptCommand::Render { escpos: Some(file), .. }) = &arguments.command {
        return print::escpos(&answer, file).map(|()| ExitCode::SUCCESS);
    }
    let text = if arguments.json { format!("{answer:#}\n") } else { print::table(&request, &answer) };
    output::print(&text)?;
    Ok(ExitCode::SUCCESS)
}

fn request(command: &Command) -> anyhow::Result<Option<Request>> {
    Ok(Some(match command {
        Command::Status => Request::Status,
        Command::Devices => Request::Devices,
        Command::Orders { limit } => Request::Orders { limit: *limit },
        Command::Order(OrderCommand::Show { order }) => Request::Order { order: order.clone() },
        Command::Order(OrderCommand::Paid { order }) => Request::PaidAtCounter { order: order.clone() },
        Command::Order(OrderCommand::Reverse { order }) => Request::Reverse { order: order.clone() },
        Command::Catalog(catalog::CatalogCommand::Import { file }) => {
            Request::CatalogImport { document: catalog::document(file)? }
        }
        Command::Catalog(catalog::CatalogCommand::Show) => Request::CatalogShow,
        Command::Receipt(ReceiptCommand::Render { order, .. }) => Request::Receipt { order: order.clone() },
        Command::Receipt(ReceiptCommand::Reprint { order }) => Request::Reprint { order: order.clone() },
        Command::Mirror => Request::Mirror,
        Command::Resolve { payment, verdict } => Request::Resolve {
            payment: payment.clone(),
            verdict: match verdict {
                VerdictArgument::Taken => Verdict::Taken,
                VerdictArgument::NotTaken => Verdict::NotTaken,
                VerdictArgument::GivenBack => Verdict::GivenBack,
            },
        },
        Command::Order(OrderCommand::Cancel { order }) => Request::CancelOrder { order: order.clone() },
        Command::Done { task } => Request::TaskDone { task: task.clone() },
        Command::EndOfDay => Request::EndOfDay,
        Command::OpenDrawer { reason } => Request::OpenDrawer { reason: reason.clone() },
        Command::Close => Request::Close,
        Command::Open => Request::Open,
        Command::SoldOut { item, back } => Request::SoldOut { item: item.clone(), sold_out: !back },
        Command::Enroll { code } => Request::Enroll { code: code.clone() },
        Command::Updates { command } => updates::request(command.as_ref())?,
        Command::FactoryReset { losing_unsent, .. } => {
            Request::FactoryReset { losing_unsent: *losing_unsent }
        }
        Command::Dump => Request::Dump,
        Command::Price { .. }
        | Command::Check
        | Command::Voice(_)
        | Command::Catalog(catalog::CatalogCommand::Check { .. }) => return Ok(None),
    }))
}

/// The daemon's socket, as given or as the settings say.
fn socket(arguments: &Arguments) -> anyhow::Result<PathBuf> {
    if let Some(socket) = &arguments.socket {
        return Ok(socket.clone());
    }
    let settings = kioskd::daemon::load_settings(&SearchPath::default(), &arguments.config)
        .context("the settings say where the daemon's socket is")?;
    Ok(settings.admin.socket)
}

/// What a file is called in messages.
fn name(path: &Path) -> String {
    path.display().to_string()
}
