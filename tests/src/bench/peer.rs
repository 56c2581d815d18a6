//! Chromium with the menu page as a web kiosk would have it, driven by the DevTools protocol.

mod devtools;
mod page;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

use anyhow::Context as _;
use serde_json::{Value, json};

use crate::process::{Process, wait_until};
use devtools::DevTools;

/// How long Chromium may take to open its port and to paint: ten times what a slow board needs.
const PATIENCE: Duration = Duration::from_secs(30);

/// Names under which distributions install it.
const NAMES: [&str; 4] = ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome"];

/// What a kiosk would switch off as well, and what a machine without network and display needs.
const FLAGS: [&str; 14] = [
    "--headless",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-extensions",
    "--disable-sync",
    "--allow-file-access-from-files",
    "--force-device-scale-factor=1",
    "--window-size=1080,1920",
    "--remote-debugging-port=0",
];

/// An installed Chromium, with a profile and the page.
pub(super) struct Chromium {
    program: PathBuf,
    profile: PathBuf,
    page: PathBuf,
    _scratch: tempfile::TempDir,
}

/// A running one.
pub(super) struct Browser {
    process: Process,
    tools: DevTools,
    started_ms: f64,
}

impl Chromium {
    /// Looks for one; `None` if there is none.
    pub fn find(dir: &Path) -> anyhow::Result<Option<Self>> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let found = NAMES.iter().find_map(|name| {
            std::env::split_paths(&path).map(|folder| folder.join(name)).find(|program| program.is_file())
        });
        let Some(program) = found else { return Ok(None) };
        let scratch = tempfile::tempdir_in(dir)?;
        let page = scratch.path().join("menu.html");
        std::fs::write(&page, page::menu_page()?)?;
        Ok(Some(Self { program, profile: scratch.path().join("profile"), page, _scratch: scratch }))
    }

    /// Its version, for the notes.
    pub fn version(&self) -> String {
        let output = Command::new(&self.program).arg("--version").output();
        let text = output.map(|o| String::from_utf8_lossy(&o.stdout).trim().to_owned()).unwrap_or_default();
        text.split(" built").next().unwrap_or("Chromium").to_owned()
    }

    /// Starts it with the page and connects to the page.
    pub fn open(&self) -> anyhow::Result<Browser> {
        let port_file = self.profile.join("DevToolsActivePort");
        if port_file.exists() {
            std::fs::remove_file(&port_file)?;
        }
        let mut command = Command::new(&self.program);
        command.args(FLAGS).arg(format!("--user-data-dir={}", self.profile.display()));
        if nix::unistd::geteuid().is_root() {
            command.arg("--no-sandbox");
        }
        command.arg(format!("file://{}", self.page.display())).stdout(Stdio::null()).stderr(Stdio::null());
        let started_ms = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?.as_secs_f64() * 1e3;
        let process = Process::start("chromium", &mut command)?;
        let port = wait_until(PATIENCE, || {
            let text = std::fs::read_to_string(&port_file).ok()?;
            text.lines().next()?.parse::<u16>().ok()
        });
        let tools = DevTools::of_first_page(port.context("Chromium opens no port")?, PATIENCE)?;
        let mut browser = Browser { process, tools, started_ms };
        browser.wait_loaded()?;
        Ok(browser)
    }
}

impl Browser {
    /// Its process; the whole browser hangs below it.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// Waits until the page itself is there: before it Chromium shows an empty one, whose end fails every question.
    fn wait_loaded(&mut self) -> anyhow::Result<()> {
        let loaded = wait_until(PATIENCE, || {
            let state = self.evaluate("document.readyState + location.protocol").ok()?;
            (state == "completefile:").then_some(())
        });
        loaded.context("the twin page does not load")
    }

    /// From starting the program to the first contentful paint, in ms, as the page itself saw it.
    pub fn first_paint_ms(&mut self) -> anyhow::Result<f64> {
        let script = "new Promise(done => new PerformanceObserver((list, self) => {
            const paint = list.getEntriesByName('first-contentful-paint')[0];
            if (paint) { self.disconnect(); done(performance.timeOrigin + paint.startTime); }
        }).observe({type: 'paint', buffered: true}))";
        Ok(self.evaluate(script)?.as_f64().context("no time of the first paint")? - self.started_ms)
    }

    /// Waits until fonts and pictures are there, and says what is missing.
    pub fn wait_complete(&mut self) -> anyhow::Result<()> {
        let script = "document.fonts.ready.then(() => Promise.all([...document.images].map(i => i.decode())))
            .then(() => [...document.fonts].every(font => font.status !== 'error'))";
        let is_whole = self.evaluate(script)?;
        anyhow::ensure!(is_whole == Value::Bool(true), "the twin page lacks fonts or pictures: {is_whole}");
        Ok(())
    }

    /// From sending a press or release to hearing that its frame was handed over, in ms.
    pub fn pointer(&mut self, kind: &str, (x, y): (f64, f64)) -> anyhow::Result<Duration> {
        let begun = std::time::Instant::now();
        let button =
            json!({"type": kind, "x": x, "y": y, "button": "left", "clickCount": 1, "pointerType": "mouse"});
        let sent = self.tools.send("Input.dispatchMouseEvent", &button)?;
        self.tools.wait_event("Runtime.bindingCalled", PATIENCE)?;
        let took = begun.elapsed();
        self.tools.wait_answer(sent, PATIENCE)?;
        Ok(took)
    }

    /// Lets the page tell when it painted.
    pub fn listen(&mut self) -> anyhow::Result<()> {
        self.tools.call("Runtime.enable", &json!({}), PATIENCE)?;
        self.tools.call("Runtime.addBinding", &json!({"name": "painted"}), PATIENCE)?;
        Ok(())
    }

    /// The middle of the first element that a selector finds.
    pub fn middle(&mut self, selector: &str) -> anyhow::Result<(f64, f64)> {
        let script = format!(
            "(r => [r.x + r.width / 2, r.y + r.height / 2])(document.querySelector({selector:?}).getBoundingClientRect())"
        );
        let place = self.evaluate(&script)?;
        let at = |n: usize| place[n].as_f64().with_context(|| format!("no {selector} on the twin page"));
        Ok((at(0)?, at(1)?))
    }

    /// Saves what is shown, for a look beside ours.
    pub fn save(&mut self, path: &Path) -> anyhow::Result<()> {
        let answer = self.tools.call("Page.captureScreenshot", &json!({"format": "png"}), PATIENCE)?;
        let data = answer["data"].as_str().context("no picture")?;
        std::fs::write(path, devtools::base64_decode(data)?)?;
        Ok(())
    }

    /// Ends it and waits.
    pub fn close(mut self) -> anyhow::Result<()> {
        self.tools.send("Browser.close", &json!({}))?;
        if wait_until(PATIENCE, || (!self.process.is_running()).then_some(())).is_none() {
            self.process.kill()?;
        }
        Ok(())
    }

    fn evaluate(&mut self, script: &str) -> anyhow::Result<Value> {
        let arguments = json!({"expression": script, "awaitPromise": true, "returnByValue": true});
        let answer = self.tools.call("Runtime.evaluate", &arguments, PATIENCE)?;
        anyhow::ensure!(
            answer["exceptionDetails"].is_null(),
            "the twin page: {}",
            answer["exceptionDetails"]
        );
        Ok(answer["result"]["value"].clone())
    }
}
