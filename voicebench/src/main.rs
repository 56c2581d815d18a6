//! `voicebench`: how often a spoken order becomes the right draft, a question, or a wrong one.

mod corpus;
mod derive;
mod engine;
mod phrases;
mod report;
mod score;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use clap::Parser;
use voice::{CMUDICT, Lexicon, Matcher, Menu, Sayings, Screen, Sound, Thresholds};

use corpus::{Corpus, Noise, SPEAKERS, Side, Speaker, with_noise};
use engine::{Engine, Recognised};
use phrases::Phrase;
use report::Report;
use score::{Outcome, Reading, Tally};

/// Measures voice ordering with the demo catalog and speech of synthesisers.
#[derive(Parser)]
struct Options {
    /// Also writes the numbers as JSON.
    #[arg(long)]
    json: Option<PathBuf>,
    /// Derives the thresholds anew from the train side, and writes them here.
    #[arg(long)]
    derive: Option<PathBuf>,
    /// No further clips after so many minutes: what was measured by then is reported.
    #[arg(long, default_value_t = 12)]
    minutes: u64,
    /// Prints what went wrong; the sentences are the corpus's own.
    #[arg(long)]
    misses: bool,
    /// The catalog.
    #[arg(long, default_value = "catalog/alder-and-rye/catalog.json")]
    catalog: PathBuf,
}

/// Clips of one condition.
struct Set {
    case: String,
    side: Side,
    noise: Noise,
    clips: Vec<(Speaker, Phrase)>,
}

fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let until = Instant::now() + Duration::from_secs(options.minutes * 60);
    let cache = cache()?;
    let corpus = Corpus::new(&cache)?;
    let mut matcher = compile(&options.catalog)?;
    let sets = sets(&corpus, options.derive.is_some());
    let hash = synthesise(&corpus, &sets)?;
    let mut report = Report::default();
    let run = cache.join(format!("run-{}", std::process::id()));
    std::fs::create_dir_all(&run)?;
    let mut heard_train = Vec::new();
    let started = [Engine::pocketsphinx(&run, &matcher), Engine::whisper(&cache, &run, &matcher)];
    for engine in started {
        let engine = match engine {
            Ok(engine) => engine,
            Err(error) => {
                report.note(format!("not measured: {error:#}"));
                continue;
            }
        };
        let is_ours = engine.name == "pocketsphinx";
        let mut sound_time = Duration::ZERO;
        for set in sets.iter().filter(|set| is_ours || set.noise == Noise::Clean) {
            let heard = listen(&engine, &corpus, set, &matcher, until)?;
            sound_time += heard.iter().map(|(_, _, length)| *length).sum::<Duration>();
            if set.side == Side::Train {
                heard_train.extend(heard.iter().map(|(phrase, found, _)| (phrase.clone(), found.clone())));
            }
            measure(&mut report, &matcher, &engine, set, &heard, options.misses);
        }
        if sound_time.is_zero() {
            report.note(format!("no time was left for {}", engine.name));
            continue;
        }
        let case = "all clips";
        let seconds = sound_time.as_secs_f64().max(0.001);
        report.add(case, engine.name, "cpu_real_time_factor", "×", engine.cpu()?.as_secs_f64() / seconds);
        report.add(case, engine.name, "memory_peak", "MB", engine.memory_mb()?);
    }
    if let Some(path) = &options.derive {
        let thresholds = derive::derive(&mut matcher, &heard_train, hash.clone());
        let text = serde_json::to_string_pretty(&thresholds)? + "\n";
        std::fs::write(path, text).with_context(|| path.display().to_string())?;
    }
    if Thresholds::default().corpus != hash {
        report.note(format!("the thresholds were derived on another corpus than {}", &hash[..12]));
    }
    report.note("seven synthetic speakers are few, and no person is among them: see docs/benchmarks.md");
    std::fs::remove_dir_all(&run)?;
    report.print();
    if let Some(path) = &options.json {
        std::fs::write(path, serde_json::to_string_pretty(&report.to_json())?)?;
    }
    Ok(())
}

/// The folder for what is made once: as the other tools do it.
fn cache() -> anyhow::Result<PathBuf> {
    let home = std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache"));
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from).or(home);
    Ok(cache.context("neither XDG_CACHE_HOME nor HOME is set")?.join("kioskd/voice"))
}

fn compile(file: &Path) -> anyhow::Result<Matcher> {
    let text = std::fs::read(file).with_context(|| file.display().to_string())?;
    let catalog = protocol::catalog::parse_json(&text, &file.display().to_string())?.into_domain()?;
    let lexicon = Lexicon::read(Path::new(CMUDICT))?;
    let lang = domain::text::Lang::new("en");
    let menu = Menu::of(&catalog, &lang, &Sayings::default(), &|item| item.sold_out.is_none())?;
    Ok(Matcher::compile(&lexicon, &menu, Screen::Menu, Thresholds::default())?)
}

fn sets(corpus: &Corpus, derive: bool) -> Vec<Set> {
    let speakers =
        |side| SPEAKERS.iter().filter(move |s| s.side == side && corpus.has(s)).copied().collect::<Vec<_>>();
    let product = |speakers: &[Speaker], phrases: &[Phrase]| -> Vec<(Speaker, Phrase)> {
        phrases.iter().flat_map(|phrase| speakers.iter().map(|s| (*s, phrase.clone()))).collect()
    };
    let turns = |speakers: &[Speaker], phrases: &[Phrase], each: usize| -> Vec<(Speaker, Phrase)> {
        let said = phrases.iter().enumerate().flat_map(|(at, phrase)| {
            (0..each).map(move |turn| (speakers[(at + turn * 2) % speakers.len()], phrase.clone()))
        });
        said.collect()
    };
    let (train, held_out) = (speakers(Side::Train), speakers(Side::HeldOut));
    let every =
        |clips: Vec<(Speaker, Phrase)>, step: usize| clips.into_iter().step_by(step).collect::<Vec<_>>();
    let (p, q) = (phrases::orders(Side::Train), phrases::orders(Side::HeldOut));
    let set = |side: Side, kind: &str, noise: Noise, clips| Set {
        case: format!("{} {} {kind}", side.name(), noise.name()),
        side,
        noise,
        clips,
    };
    const THIN: usize = 2;
    let mut sets = vec![
        set(Side::HeldOut, "orders", Noise::Clean, product(&held_out, &q)),
        set(Side::HeldOut, "talk", Noise::Clean, turns(&held_out, &phrases::foreign(Side::HeldOut), 1)),
        set(Side::Train, "orders", Noise::Clean, every(product(&train, &p), THIN)),
        set(Side::Train, "talk", Noise::Clean, every(turns(&train, &phrases::foreign(Side::Train), 1), THIN)),
    ];
    for db in [20, 10, 5] {
        sets.push(set(Side::HeldOut, "orders", Noise::Db(db), every(product(&held_out, &q), 3)));
    }
    // Thresholds see nothing of the other side.
    sets.retain(|set| !derive || set.side == Side::Train);
    sets
}

/// Makes what is missing of the corpus; its hash says which sentences and voices it holds.
fn synthesise(corpus: &Corpus, sets: &[Set]) -> anyhow::Result<String> {
    let jobs: Vec<(Speaker, String)> = sets
        .iter()
        .flat_map(|set| &set.clips)
        .map(|(speaker, phrase)| (*speaker, phrase.text.clone()))
        .collect();
    corpus.prepare(&jobs)?;
    for (at, (speaker, text)) in jobs.iter().enumerate() {
        if at % 100 == 0 {
            eprintln!("voice: corpus, clip {at} of {}", jobs.len());
        }
        corpus.say(speaker, text)?;
    }
    let names: Vec<&str> = SPEAKERS.iter().filter(|s| corpus.has(s)).map(|s| s.name).collect();
    let texts = ["train", "held-out", "foreign"];
    let data = [
        include_str!("../data/train.txt"),
        include_str!("../data/held-out.txt"),
        include_str!("../data/foreign.txt"),
    ];
    let parts: Vec<&[u8]> = names.iter().chain(&texts).chain(&data).map(|part| part.as_bytes()).collect();
    Ok(corpus::digest(&parts))
}

/// What the engine hears in each clip, and how long the clip is.
fn listen(
    engine: &Engine,
    corpus: &Corpus,
    set: &Set,
    matcher: &Matcher,
    until: Instant,
) -> anyhow::Result<Vec<(Phrase, Recognised, Duration)>> {
    let babble = match set.noise {
        Noise::Clean => Vec::new(),
        Noise::Db(_) => babble(corpus)?,
    };
    let mut out = Vec::new();
    for (at, (speaker, phrase)) in set.clips.iter().enumerate() {
        if at % 50 == 0 {
            eprintln!("voice: {}, {}, clip {at} of {}", engine.name, set.case, set.clips.len());
        }
        if Instant::now() > until {
            eprintln!("voice: the time is over; {} of {} clips of {}", at, set.clips.len(), set.case);
            break;
        }
        let clean = corpus.say(speaker, &phrase.text)?;
        let sound = match set.noise {
            Noise::Clean => clean,
            Noise::Db(db) => with_noise(&clean, &babble, db, at),
        };
        let length = Duration::from_millis(u64::try_from(sound.0.len() / 16)?);
        // Who gets no answer in time orders by touch: that counts as rejected.
        let found = engine.recognise(&sound, matcher).unwrap_or_else(|error| {
            eprintln!("voice: {}: {error:#}", engine.name);
            Recognised { text: String::new(), llr: None, took: Duration::from_secs(5) + length }
        });
        out.push((phrase.clone(), found, length));
    }
    Ok(out)
}

/// Ten people of the held-out side talking at once.
fn babble(corpus: &Corpus) -> anyhow::Result<Vec<i16>> {
    let speakers: Vec<Speaker> =
        SPEAKERS.iter().filter(|s| s.side == Side::HeldOut && corpus.has(s)).copied().collect();
    let talk = phrases::foreign(Side::HeldOut);
    let mut sum: Vec<i32> = vec![0; 16_000 * 20];
    for (at, phrase) in talk.iter().take(10).enumerate() {
        // As in the set of talk, so that nothing new has to be synthesised.
        let sound: Sound = corpus.say(&speakers[at % speakers.len()], &phrase.text)?;
        for (place, sample) in sum.iter_mut().zip(sound.0.iter().cycle().skip(at * 5_000)) {
            *place += i32::from(*sample) / 4;
        }
    }
    Ok(sum.into_iter().map(|s| i16::try_from(s.clamp(-32_768, 32_767)).unwrap_or(0)).collect())
}

fn measure(
    report: &mut Report,
    matcher: &Matcher,
    engine: &Engine,
    set: &Set,
    heard: &[(Phrase, Recognised, Duration)],
    shows_misses: bool,
) {
    if heard.is_empty() {
        return;
    }
    let is_talk = set.case.ends_with("talk");
    for reading in [Reading::Matcher, Reading::Literal] {
        let subject = match reading {
            Reading::Matcher => engine.name.to_owned(),
            Reading::Literal => format!("{} without the matcher", engine.name),
        };
        let (mut tally, mut questions) = (Tally::default(), 0_u32);
        for (phrase, found, _) in heard {
            let frame = score::frame(matcher, found, reading);
            let outcome = score::outcome(&frame, phrase);
            questions += u32::from(matches!(frame.decision, voice::Decision::Ask(_)));
            tally.add(outcome);
            let is_miss = match &phrase.meaning {
                Some(_) => matches!(outcome, Outcome::Wrong | Outcome::Rejected),
                None => outcome == Outcome::Wrong,
            };
            if shows_misses && is_miss && reading == Reading::Matcher {
                eprintln!(
                    "miss: {} | {} | {:?} {:?} | {} {:?}",
                    phrase.text,
                    found.text,
                    outcome,
                    found.llr,
                    frame.summary(),
                    frame.decision
                );
            }
        }
        let mut add = |metric, unit, value| report.add(&set.case, &subject, metric, unit, value);
        add("clips", "clips", f64::from(tally.all()));
        if is_talk {
            add("false_accepts", "clips", f64::from(tally.wrong));
            add("asked", "clips", f64::from(questions));
        } else {
            add("exact_or_asked_share", "%", tally.share(tally.exact + tally.asked));
            add("exact_share", "%", tally.share(tally.exact));
            add("wrong_draft_share", "%", tally.share(tally.wrong));
        }
    }
    let mut took: Vec<Duration> = heard.iter().map(|(_, found, _)| found.took).collect();
    took.sort_unstable();
    let at = |percent: usize| took[(took.len() * percent / 100).min(took.len() - 1)].as_secs_f64() * 1_000.0;
    report.add(&set.case, engine.name, "end_to_draft_p50", "ms", at(50));
    report.add(&set.case, engine.name, "end_to_draft_p95", "ms", at(95));
}
