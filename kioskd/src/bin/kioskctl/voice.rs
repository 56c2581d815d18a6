//! `kioskctl voice`: what the kiosk would make of something that is said.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Subcommand;
use domain::catalog::Catalog;
use domain::text::Lang;
use kioskd::admin::client::ask;
use kioskd::admin::wire::Request;
use voice::wyoming::{Client, Request as Utterance};
use voice::{
    CMUDICT, Evidence, Lexicon, Matcher, Menu, Sayings, Screen, Sound, Thresholds, Transcript, tell,
};

use crate::{Arguments, output, socket};

/// Where the kiosk's own recogniser listens.
const RECOGNISER: &str = "/run/kiosk-asr/asr.sock";

#[derive(Subcommand)]
pub(crate) enum VoiceCommand {
    /// Print the order that a sentence or a recording is heard as, how sure that is, and what the customer would be asked.
    Hear {
        /// The words, or a WAV file: 16 kHz, mono, 16 bit.
        said: String,
        /// A catalog file or a folder of CSV files instead of the running kiosk's catalog.
        #[arg(long)]
        catalog: Option<PathBuf>,
        /// The recogniser's socket, for recordings.
        #[arg(long, default_value = RECOGNISER)]
        recogniser: PathBuf,
        /// The pronouncing dictionary.
        #[arg(long, default_value = CMUDICT)]
        dictionary: PathBuf,
    },
}

pub(crate) fn run(arguments: &Arguments, command: &VoiceCommand) -> anyhow::Result<ExitCode> {
    let VoiceCommand::Hear { said, catalog, recogniser, dictionary } = command;
    let catalog = match catalog {
        Some(file) => kioskd::catalog::read(file)?.0,
        None => std::sync::Arc::new(active(arguments)?),
    };
    let lexicon = Lexicon::read(dictionary)?;
    let in_stock = |item: &domain::catalog::Item| item.sold_out.is_none();
    let menu = Menu::of(&catalog, &Lang::new("en"), &Sayings::default(), &in_stock)?;
    let matcher = Matcher::compile(&lexicon, &menu, Screen::Menu, Thresholds::default())?;
    let file = Path::new(said);
    let is_recording = file.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("wav"));
    let frame = if is_recording {
        let sound = Sound::read_wav(file)?;
        let (context, terms) = (matcher.recogniser_context(), matcher.bias(100));
        let utterance = Utterance { language: "en", context: Some(&context), terms: &terms };
        let heard = Client::new(recogniser).transcribe(utterance, &sound.0)?;
        let evidence = Evidence::of(heard.context.as_ref());
        matcher.hear(&heard.transcript, evidence)
    } else {
        matcher.hear(&Transcript::new(said.clone()), Evidence::default())
    };
    let text = match arguments.json {
        true => format!("{:#}\n", tell::to_json(&frame, &menu)),
        false => tell::to_text(&frame, &menu),
    };
    output::print(&text)?;
    Ok(ExitCode::SUCCESS)
}

/// What the running kiosk sells.
fn active(arguments: &Arguments) -> anyhow::Result<Catalog> {
    let answer = ask(&socket(arguments)?, &Request::CatalogShow)?;
    let document = answer["text"].as_str().context("the kiosk showed no catalog")?;
    Ok(protocol::catalog::parse_json(document, "the active catalog")?.into_domain()?)
}
