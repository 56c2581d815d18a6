//! A client of the browser mirror, as the page is one: it shows pictures, presses and waits.

use std::net::TcpStream;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use serde_json::{Value, json};
use tungstenite::client::IntoClientRequest as _;
use tungstenite::{Message, WebSocket};

/// The kiosk as seen through its mirror.
pub struct MirrorClient {
    socket: WebSocket<TcpStream>,
    width: usize,
    height: usize,
    pixels: Vec<u8>,
    screen: Screen,
    inputs: u32,
    applied: u32,
    frames: u64,
}

/// What page is shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Screen {
    /// Its name.
    pub id: String,
    /// Grows with every change.
    pub rev: u64,
}

/// Bytes before the rectangles of a frame, and before the pixels of a rectangle.
const FRAME_HEADER: usize = 20;
const RECT_HEADER: usize = 16;

impl MirrorClient {
    /// Opens the address that `kioskctl mirror` prints.
    ///
    /// # Errors
    /// It cannot be reached or does not let us in.
    pub fn open(url: &str) -> anyhow::Result<Self> {
        let (base, token) = url.split_once("#t=").context("the address has no token")?;
        Self::connect(base, &json!({"t": "hello", "v": 1, "token": token}))
    }

    fn connect(base: &str, hello: &Value) -> anyhow::Result<Self> {
        let host = base.trim_start_matches("http://").trim_end_matches('/');
        let mut request = format!("ws://{host}/m").into_client_request()?;
        request.headers_mut().insert("Origin", format!("http://{host}").parse()?);
        request.headers_mut().insert("Sec-WebSocket-Protocol", "kioskd-mirror.1".parse()?);
        let stream =
            TcpStream::connect(host).with_context(|| format!("cannot reach the mirror at {host}"))?;
        stream.set_nodelay(true)?;
        let (socket, _) = tungstenite::client(request, stream).map_err(|e| anyhow::anyhow!("{e}"))?;
        let mut client = Self {
            socket,
            width: 0,
            height: 0,
            pixels: Vec::new(),
            screen: Screen::default(),
            inputs: 0,
            applied: 0,
            frames: 0,
        };
        client.send(hello)?;
        client.wait("the welcome", Duration::from_secs(5), |c| c.width > 0)?;
        Ok(client)
    }

    /// The page that is shown.
    pub fn screen(&self) -> &Screen {
        &self.screen
    }

    /// Size in pixels.
    pub fn size(&self) -> (usize, usize) {
        (self.width, self.height)
    }

    /// Frames received.
    pub fn frames(&self) -> u64 {
        self.frames
    }

    /// Presses and releases at a place; waits until both were applied and drawn.
    ///
    /// # Errors
    /// The connection breaks, or nothing is drawn in time.
    pub fn press(&mut self, x: f32, y: f32) -> anyhow::Result<()> {
        self.pointer("down", x, y)?;
        self.pointer("up", x, y)
    }

    /// One pointer message; does not wait.
    ///
    /// # Errors
    /// The connection breaks.
    pub fn pointer(&mut self, kind: &str, x: f32, y: f32) -> anyhow::Result<()> {
        self.inputs += 1;
        self.send(&json!({"t": kind, "x": x, "y": y, "n": self.inputs}))
    }

    /// The number of the last input, and of the last one that a received frame had applied.
    pub fn inputs(&self) -> (u32, u32) {
        (self.inputs, self.applied)
    }

    /// Waits until a page of this name is shown.
    ///
    /// # Errors
    /// Another page is shown all the time.
    pub fn wait_page(&mut self, id: &str, limit: Duration) -> anyhow::Result<()> {
        self.wait(&format!("the page {id}"), limit, |c| c.screen.id == id)
    }

    /// Receives until `done`.
    ///
    /// # Errors
    /// It takes too long; the message says which page is shown.
    pub fn wait(
        &mut self,
        what: &str,
        limit: Duration,
        mut done: impl FnMut(&Self) -> bool,
    ) -> anyhow::Result<()> {
        let until = Instant::now() + limit;
        while !done(self) {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                bail!("{what} did not come within {limit:?}; the screen shows {:?}", self.screen.id);
            }
            self.receive(left)?;
        }
        Ok(())
    }

    /// Receives what comes for a while.
    ///
    /// # Errors
    /// The connection breaks.
    pub fn receive_for(&mut self, time: Duration) -> anyhow::Result<()> {
        let until = Instant::now() + time;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            self.receive(left)?;
        }
    }

    /// Writes what is shown as a PNG.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn save(&self, path: &Path) -> anyhow::Result<()> {
        let file = std::fs::File::create(path).with_context(|| path.display().to_string())?;
        let (width, height) = (u32::try_from(self.width)?, u32::try_from(self.height)?);
        let mut encoder = png::Encoder::new(std::io::BufWriter::new(file), width, height);
        encoder.set_color(png::ColorType::Rgba);
        encoder.set_compression(png::Compression::Fast);
        encoder.write_header()?.write_image_data(&self.pixels)?;
        Ok(())
    }

    /// The colour of a pixel.
    pub fn pixel(&self, x: usize, y: usize) -> [u8; 4] {
        let at = (y * self.width + x) * 4;
        [self.pixels[at], self.pixels[at + 1], self.pixels[at + 2], self.pixels[at + 3]]
    }

    fn send(&mut self, message: &Value) -> anyhow::Result<()> {
        self.socket.send(Message::text(message.to_string()))?;
        Ok(())
    }

    /// Receives one message, or nothing within the time.
    fn receive(&mut self, within: Duration) -> anyhow::Result<()> {
        self.socket.get_ref().set_read_timeout(Some(within.max(Duration::from_millis(1))))?;
        match self.socket.read() {
            Ok(Message::Text(text)) => self.text(&text),
            Ok(Message::Binary(bytes)) => self.frame(&bytes),
            Ok(Message::Close(reason)) => bail!("the mirror closed: {reason:?}"),
            Ok(_) => Ok(()),
            Err(tungstenite::Error::Io(e))
                if matches!(e.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut) =>
            {
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }

    fn text(&mut self, text: &str) -> anyhow::Result<()> {
        let message: Value = serde_json::from_str(text)?;
        let number = |key: &str| message[key].as_u64().unwrap_or(0);
        match message["t"].as_str() {
            Some("welcome") => {
                self.width = usize::try_from(number("w"))?;
                self.height = usize::try_from(number("h"))?;
                self.pixels = vec![0; self.width * self.height * 4];
            }
            Some("screen") => {
                self.screen =
                    Screen { id: message["id"].as_str().unwrap_or_default().to_owned(), rev: number("rev") };
            }
            Some("bye") => bail!("the mirror says goodbye: {}", message["why"]),
            _ => {}
        }
        Ok(())
    }

    fn frame(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        let u16_at = |at: usize| -> anyhow::Result<usize> {
            Ok(usize::from(u16::from_le_bytes(bytes.get(at..at + 2).context("short frame")?.try_into()?)))
        };
        let u32_at = |at: usize| -> anyhow::Result<u32> {
            Ok(u32::from_le_bytes(bytes.get(at..at + 4).context("short frame")?.try_into()?))
        };
        anyhow::ensure!(bytes.first() == Some(&1), "an unknown kind of frame");
        let (count, seq) = (u16_at(2)?, u32_at(4)?);
        self.applied = u32_at(16)?;
        let mut at = FRAME_HEADER;
        for _ in 0..count {
            let (x, y, w, h) = (u16_at(at)?, u16_at(at + 2)?, u16_at(at + 4)?, u16_at(at + 6)?);
            let encoding = bytes[at + 8];
            let length = usize::try_from(u32_at(at + 12)?)?;
            at += RECT_HEADER;
            let data = bytes.get(at..at + length).context("short frame")?;
            at += length;
            self.paint((x, y, w, h), encoding, data)?;
        }
        self.frames += 1;
        self.send(&json!({"t": "ack", "seq": seq}))
    }

    fn paint(
        &mut self,
        (x, y, w, h): (usize, usize, usize, usize),
        encoding: u8,
        data: &[u8],
    ) -> anyhow::Result<()> {
        anyhow::ensure!(x + w <= self.width && y + h <= self.height, "a rectangle outside the picture");
        for row in 0..h {
            let to = ((y + row) * self.width + x) * 4;
            let line = &mut self.pixels[to..to + w * 4];
            match encoding {
                0 => {
                    line.copy_from_slice(data.get(row * w * 4..(row + 1) * w * 4).context("short rectangle")?)
                }
                1 => line.chunks_exact_mut(4).for_each(|pixel| pixel.copy_from_slice(&data[..4])),
                other => bail!("unknown pixel encoding {other}"),
            }
        }
        Ok(())
    }
}
