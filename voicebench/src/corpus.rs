//! Speech made on the spot by synthesisers, each file once: cached by what made it.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::Context as _;
use voice::Sound;

/// Which half a speaker or a phrase belongs to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Side {
    Train,
    HeldOut,
}

impl Side {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::HeldOut => "held-out",
        }
    }
}

/// A synthesiser's voice. Voices of one person stand on one side.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Speaker {
    pub(crate) name: &'static str,
    pub(crate) side: Side,
    by: By,
}

#[derive(Clone, Copy, Debug)]
enum By {
    Flite(&'static str),
    Festival(&'static str),
    Espeak(&'static str),
    Piper(&'static str),
}

pub(crate) const SPEAKERS: &[Speaker] = &[
    Speaker { name: "slt", side: Side::Train, by: By::Flite("slt") },
    Speaker { name: "slt-hts", side: Side::Train, by: By::Festival("cmu_us_slt_arctic_hts") },
    Speaker { name: "kal16", side: Side::Train, by: By::Flite("kal16") },
    Speaker { name: "formant-us", side: Side::Train, by: By::Espeak("en-us") },
    Speaker { name: "formant-f3", side: Side::Train, by: By::Espeak("en-us+f3") },
    Speaker { name: "awb", side: Side::HeldOut, by: By::Flite("awb") },
    Speaker { name: "rms", side: Side::HeldOut, by: By::Flite("rms") },
    Speaker { name: "ked", side: Side::HeldOut, by: By::Festival("ked_diphone") },
    Speaker { name: "joe", side: Side::HeldOut, by: By::Piper("1.0") },
    Speaker { name: "joe-quick", side: Side::HeldOut, by: By::Piper("0.8") },
];

/// Words that a synthesiser's own dictionary says as no customer does, spelt so that it says them right.
const RESPELT: [(&str, &str); 2] = [("lattes", "lah tays"), ("latte", "lah tay")];

/// Where the sound files are.
pub(crate) struct Corpus {
    dir: PathBuf,
    python: Option<PathBuf>,
}

impl Corpus {
    pub(crate) fn new(cache: &Path) -> anyhow::Result<Self> {
        let dir = cache.join("speech");
        std::fs::create_dir_all(&dir)?;
        let python = Some(cache.join("venv/bin/python")).filter(|python| python.exists());
        Ok(Self { dir, python })
    }

    /// Whether this voice can be had here.
    pub(crate) fn has(&self, speaker: &Speaker) -> bool {
        !matches!(speaker.by, By::Piper(_)) || self.python.is_some()
    }

    /// The neural voice takes seconds to load: everything that it has to say is made in one go.
    pub(crate) fn prepare(&self, jobs: &[(Speaker, String)]) -> anyhow::Result<()> {
        let Some(python) = &self.python else { return Ok(()) };
        let mut list = String::new();
        for (speaker, text) in jobs {
            if let By::Piper(scale) = speaker.by {
                let raw = self.raw(speaker, text);
                if !raw.exists() && !self.path(speaker, text).exists() {
                    list.push_str(&format!("{scale}\t{}\t{text}\n", raw.display()));
                }
            }
        }
        if list.is_empty() {
            return Ok(());
        }
        let mut piper = Command::new(python);
        piper.args(["-c", include_str!("piper.py")]).stdin(Stdio::piped()).stderr(Stdio::null());
        feed(&mut piper, &list).context("piper")
    }

    /// The sound of a text; made if it is not there yet.
    pub(crate) fn say(&self, speaker: &Speaker, text: &str) -> anyhow::Result<Sound> {
        let path = self.path(speaker, text);
        if !path.exists() {
            let raw = self.raw(speaker, text);
            self.synthesise(speaker, text, &raw)?;
            let part = path.with_extension("part.wav");
            // At one level, with half a second around it, as after a press.
            let mut sox = Command::new("sox");
            sox.arg(&raw).args(["-r", "16000", "-c", "1", "-b", "16"]).arg(&part);
            sox.args(["norm", "-6", "pad", "0.25", "0.25"]);
            run(&mut sox)?;
            std::fs::remove_file(&raw)?;
            std::fs::rename(&part, &path)?;
        }
        Ok(Sound::read_wav(&path)?)
    }

    fn synthesise(&self, speaker: &Speaker, text: &str, to: &Path) -> anyhow::Result<()> {
        let respelt = RESPELT.iter().fold(text.to_owned(), |text, (word, spelt)| text.replace(word, spelt));
        match speaker.by {
            By::Flite(voice) => {
                run(Command::new("flite").args(["-voice", voice, "-t", &respelt, "-o"]).arg(to))
            }
            By::Espeak(voice) => {
                let mut espeak = Command::new("espeak-ng");
                espeak.args(["-v", voice, "-s", "150", "--stdin", "-w"]).arg(to).stdin(Stdio::piped());
                feed(&mut espeak, text)
            }
            By::Festival(voice) => {
                let mut festival = Command::new("text2wave");
                festival.args(["-eval", &format!("(voice_{voice})"), "-o"]).arg(to).stdin(Stdio::piped());
                feed(&mut festival, &respelt)
            }
            By::Piper(_) => {
                anyhow::ensure!(to.exists(), "piper did not say what it was asked to");
                Ok(())
            }
        }
    }

    fn path(&self, speaker: &Speaker, text: &str) -> PathBuf {
        self.dir.join(format!("{}-{}.wav", speaker.name, &digest(&[text.as_bytes()])[..16]))
    }

    fn raw(&self, speaker: &Speaker, text: &str) -> PathBuf {
        self.path(speaker, text).with_extension("raw.wav")
    }
}

fn feed(command: &mut Command, text: &str) -> anyhow::Result<()> {
    use std::io::Write as _;
    let mut child = command.stdout(Stdio::null()).spawn().with_context(|| format!("{command:?}"))?;
    child.stdin.take().context("it reads")?.write_all(text.as_bytes())?;
    anyhow::ensure!(child.wait()?.success(), "{command:?} failed");
    Ok(())
}

fn run(command: &mut Command) -> anyhow::Result<()> {
    let status =
        command.stderr(Stdio::null()).status().with_context(|| format!("cannot start {command:?}"))?;
    anyhow::ensure!(status.success(), "{command:?} failed");
    Ok(())
}

/// SHA-256 of several texts, in hexadecimal.
pub(crate) fn digest(parts: &[&[u8]]) -> String {
    let mut context = ring::digest::Context::new(&ring::digest::SHA256);
    for part in parts {
        context.update(part);
        context.update(&[0]);
    }
    context.finish().as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Noise that is mixed in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Noise {
    Clean,
    Db(i16),
}

impl Noise {
    pub(crate) fn name(self) -> String {
        match self {
            Self::Clean => "clean".to_owned(),
            Self::Db(db) => format!("{db} dB"),
        }
    }
}

/// Speech in the talk of others: `babble` from a place that depends on `seed`, so loud that the ratio of both is
/// the one asked for: 20, 10 or 5 dB.
pub(crate) fn with_noise(speech: &Sound, babble: &[i16], db: i16, seed: usize) -> Sound {
    // Pauses are no speech: only what is above a hundredth of full scale counts.
    let loud = level(speech.0.iter().filter(|s| s.unsigned_abs() > 327));
    let from = seed.wrapping_mul(7_919) % babble.len().max(1);
    let noise: Vec<i16> = babble.iter().cycle().skip(from).take(speech.0.len()).copied().collect();
    let ratio_milli = match db {
        20 => 10_000,
        10 => 3_162,
        _ => 1_778,
    };
    let gain_ppm = loud * 1_000_000_000 / (level(noise.iter()).max(1) * ratio_milli);
    let mixed = speech.0.iter().zip(&noise).map(|(s, n)| {
        let sum = i64::from(*s) + i64::from(*n) * gain_ppm / 1_000_000;
        i16::try_from(sum.clamp(-32_768, 32_767)).unwrap_or(0)
    });
    Sound(mixed.collect())
}

/// Root of the mean square.
fn level<'a>(samples: impl Iterator<Item = &'a i16>) -> i64 {
    let (sum, count) =
        samples.fold((0_i64, 0_i64), |(sum, count), s| (sum + i64::from(*s).pow(2), count + 1));
    (sum / count.max(1)).isqrt()
}
