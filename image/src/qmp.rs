//! QEMU's machine protocol (<https://www.qemu.org/docs/master/interop/qmp-spec.html>), as much as is used here.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use serde_json::{Value, json};

/// For one answer. Under software emulation a screenshot takes its time.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// How long a finger stays.
const PRESS: Duration = Duration::from_millis(80);

/// Between two changes of keys; QEMU's keyboard forgets what comes faster than the guest asks for.
const KEY: Duration = Duration::from_millis(20);

/// The end of an axis (`INPUT_EVENT_ABS_MAX`).
const AXIS_MAX: f32 = 32767.0;

/// A connection to a running QEMU.
pub struct Qmp {
    stream: BufReader<UnixStream>,
}

impl Qmp {
    /// Connects and greets.
    ///
    /// # Errors
    /// QEMU does not answer.
    pub fn connect(socket: &Path) -> anyhow::Result<Self> {
        let stream = crate::console::connect(socket)?;
        stream.set_read_timeout(Some(ANSWER_WITHIN))?;
        let mut qmp = Self { stream: BufReader::new(stream) };
        qmp.line()?;
        qmp.execute("qmp_capabilities", &json!({}))?;
        Ok(qmp)
    }

    /// Does a command and returns what it answers.
    ///
    /// # Errors
    /// QEMU says no, or nothing.
    pub fn execute(&mut self, command: &str, arguments: &Value) -> anyhow::Result<Value> {
        let request = json!({ "execute": command, "arguments": arguments });
        self.stream.get_mut().write_all(request.to_string().as_bytes())?;
        loop {
            let mut answer = self.line()?;
            if let Some(error) = answer.get("error") {
                anyhow::bail!("{command}: {error}");
            }
            if answer.get("return").is_some() {
                return Ok(answer["return"].take());
            }
        }
    }

    /// Saves what the screen shows as PNG.
    ///
    /// # Errors
    /// QEMU cannot write there.
    pub fn screenshot(&mut self, file: &Path) -> anyhow::Result<()> {
        let path = std::path::absolute(file)?;
        self.execute("screendump", &json!({ "filename": path, "format": "png" })).map(drop)
    }

    /// Presses and releases at a place of the screen, in shares of its width and height.
    ///
    /// # Errors
    /// QEMU has nothing that points.
    pub fn tap(&mut self, x: f32, y: f32) -> anyhow::Result<()> {
        #[expect(clippy::cast_possible_truncation, reason = "a share of the axis' length")]
        let axis = |axis: &str, share: f32| {
            let value = (share.clamp(0.0, 1.0) * AXIS_MAX).round() as i32;
            json!({ "type": "abs", "data": { "axis": axis, "value": value } })
        };
        let button = |down: bool| json!({ "type": "btn", "data": { "button": "left", "down": down } });
        self.input(&json!([axis("x", x), axis("y", y)]))?;
        self.input(&json!([button(true)]))?;
        std::thread::sleep(PRESS);
        self.input(&json!([button(false)]))
    }

    /// Types digits and ends the line, as a scanner does.
    ///
    /// # Errors
    /// QEMU has no keyboard, or it is no digit.
    pub fn scan(&mut self, code: &str) -> anyhow::Result<()> {
        anyhow::ensure!(code.bytes().all(|byte| byte.is_ascii_digit()), "{code:?} is no row of digits");
        let keys = code.chars().map(String::from).chain(std::iter::once("ret".to_owned()));
        for key in keys {
            for down in [true, false] {
                let key = json!({ "type": "qcode", "data": key });
                self.input(&json!([{ "type": "key", "data": { "down": down, "key": key } }]))?;
                std::thread::sleep(KEY);
            }
        }
        Ok(())
    }

    fn input(&mut self, events: &Value) -> anyhow::Result<()> {
        self.execute("input-send-event", &json!({ "events": events })).map(drop)
    }

    /// Waits for the end of the guest; tells whether it wants to start again.
    ///
    /// # Errors
    /// QEMU's words cannot be read.
    pub fn ends_with_restart(&mut self) -> anyhow::Result<bool> {
        self.stream.get_mut().set_read_timeout(None)?;
        let mut line = String::new();
        let mut restarts = false;
        while self.stream.read_line(&mut line)? > 0 {
            let event: Value = serde_json::from_str(&line)?;
            if event["event"] == "SHUTDOWN" {
                restarts = event["data"]["reason"] == "guest-reset";
            }
            line.clear();
        }
        Ok(restarts)
    }

    fn line(&mut self) -> anyhow::Result<Value> {
        let mut line = String::new();
        self.stream.read_line(&mut line).context("QEMU does not answer")?;
        serde_json::from_str(&line).context("QEMU's answer")
    }
}
