//! A visitor of the mirror: its own reader of the wire protocol, written from the protocol's description.

use std::io::Read as _;
use std::net::SocketAddr;

use flate2::read::DeflateDecoder;
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::{HeaderValue, StatusCode};
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use super::kiosk::LIMIT;

pub struct Visitor {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    pub width: usize,
    pub height: usize,
    /// RGBA, painted from the frames alone.
    pub canvas: Vec<u8>,
    pub resume: String,
    pub role: String,
    pub frames: Vec<Frame>,
    pub screen: Value,
    acks: bool,
}

#[derive(Debug, Clone, Copy)]
pub struct Frame {
    pub full: bool,
    pub seq: u32,
    pub rendered_at_us: u64,
    pub applied: u32,
    pub rects: usize,
    pub deflated: usize,
}

#[derive(Debug)]
pub enum Event {
    Said(Value),
    Painted,
    Closed,
}

/// How somebody knocks; every field can be wrong.
pub struct Knock {
    pub host: Option<String>,
    pub origin: Option<String>,
    pub protocol: Option<&'static str>,
}

impl Knock {
    pub fn properly(address: SocketAddr) -> Self {
        Self {
            host: None,
            origin: Some(format!("http://127.0.0.1:{}", address.port())),
            protocol: Some("kioskd-mirror.1"),
        }
    }
}

/// Opens the socket, or says with which status it was refused.
pub async fn knock(address: SocketAddr, knock: Knock) -> Result<Visitor, StatusCode> {
    let mut request = format!("ws://127.0.0.1:{}/m", address.port()).into_client_request().unwrap();
    let headers = request.headers_mut();
    for (name, value) in [("host", knock.host), ("origin", knock.origin)] {
        if let Some(value) = value {
            headers.insert(name, HeaderValue::from_str(&value).unwrap());
        }
    }
    if let Some(protocol) = knock.protocol {
        headers.insert("sec-websocket-protocol", HeaderValue::from_static(protocol));
    }
    match connect_async(request).await {
        Ok((socket, _)) => Ok(Visitor {
            socket,
            width: 0,
            height: 0,
            canvas: Vec::new(),
            resume: String::new(),
            role: String::new(),
            frames: Vec::new(),
            screen: Value::Null,
            acks: true,
        }),
        Err(Error::Http(response)) => Err(response.status()),
        Err(error) => panic!("{error}"),
    }
}

/// Opens the socket as a browser would and says hello.
pub async fn enter(address: SocketAddr, token: &str) -> Visitor {
    let mut visitor = knock(address, Knock::properly(address)).await.unwrap();
    visitor.say(json!({"t": "hello", "v": 1, "token": token})).await;
    visitor.until_welcome().await;
    visitor
}

/// Comes back with the secret of an earlier visit.
pub async fn come_back(address: SocketAddr, resume: &str) -> Visitor {
    let mut visitor = knock(address, Knock::properly(address)).await.unwrap();
    visitor.say(json!({"t": "hello", "v": 1, "resume": resume})).await;
    visitor.until_welcome().await;
    visitor
}

impl Visitor {
    pub async fn say(&mut self, message: Value) {
        self.say_raw(Message::text(message.to_string())).await;
    }

    pub async fn say_raw(&mut self, message: Message) {
        // A mirror that hangs up is noticed by the next read.
        self.socket.send(message).await.ok();
    }

    pub async fn touch(&mut self, phase: &str, x: f32, y: f32, n: u32) {
        self.say(json!({"t": phase, "x": x, "y": y, "n": n})).await;
    }

    /// Frames are painted but not acknowledged from here on.
    pub fn stop_acknowledging(&mut self) {
        self.acks = false;
    }

    pub async fn acknowledge(&mut self, seq: u32) {
        self.say(json!({"t": "ack", "seq": seq})).await;
    }

    /// The next thing that happens; panics if nothing does.
    pub async fn next(&mut self) -> Event {
        timeout(LIMIT, self.next_unlimited()).await.expect("the mirror says something")
    }

    /// What comes before the mirror has nothing more to say for a moment.
    pub async fn next_within(&mut self, limit: std::time::Duration) -> Option<Event> {
        timeout(limit, self.next_unlimited()).await.ok()
    }

    async fn next_unlimited(&mut self) -> Event {
        loop {
            match self.socket.next().await {
                Some(Ok(Message::Text(text))) => {
                    let said: Value = serde_json::from_str(&text).unwrap();
                    if said["t"] == "screen" {
                        self.screen = said.clone();
                    }
                    return Event::Said(said);
                }
                Some(Ok(Message::Binary(bytes))) => {
                    let frame = self.paint(&bytes);
                    self.frames.push(frame);
                    if self.acks {
                        self.acknowledge(frame.seq).await;
                    }
                    return Event::Painted;
                }
                Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => (),
                Some(Ok(Message::Close(_)) | Err(_)) | None => return Event::Closed,
            }
        }
    }

    pub async fn until_welcome(&mut self) {
        let Event::Said(welcome) = self.next().await else { panic!("no welcome") };
        assert_eq!((&welcome["t"], &welcome["v"]), (&json!("welcome"), &json!(1)), "{welcome}");
        self.width = usize::try_from(welcome["w"].as_u64().unwrap()).unwrap();
        self.height = usize::try_from(welcome["h"].as_u64().unwrap()).unwrap();
        // Transparent pink: no frame can contain it.
        self.canvas = [255, 0, 255, 0].repeat(self.width * self.height);
        self.resume = welcome["resume"].as_str().unwrap().to_owned();
        self.role = welcome["role"].as_str().unwrap().to_owned();
    }

    /// Listens until the condition holds after some event.
    pub async fn until(&mut self, mut holds: impl FnMut(&Self) -> bool) {
        while !holds(self) {
            let event = self.next().await;
            assert!(!matches!(event, Event::Closed), "the mirror hung up");
        }
    }

    pub async fn until_screen(&mut self, rev: u64) {
        self.until(|visitor| visitor.screen["rev"] == json!(rev)).await;
    }

    /// Listens until the goodbye, and returns its reason; the socket must be closed after it.
    pub async fn until_bye(&mut self) -> String {
        loop {
            match self.next().await {
                Event::Said(said) if said["t"] == "bye" => {
                    assert!(matches!(self.next().await, Event::Closed));
                    return said["why"].as_str().unwrap().to_owned();
                }
                Event::Said(_) | Event::Painted => (),
                Event::Closed => panic!("hung up without a word"),
            }
        }
    }

    /// Listens until the mirror hangs up.
    pub async fn until_closed(&mut self) {
        while !matches!(self.next().await, Event::Closed) {}
    }

    pub fn pixel(&self, x: usize, y: usize) -> [u8; 3] {
        let at = (y * self.width + x) * 4;
        [self.canvas[at], self.canvas[at + 1], self.canvas[at + 2]]
    }

    fn paint(&mut self, bytes: &[u8]) -> Frame {
        let u16_at = |at: usize| usize::from(u16::from_le_bytes(bytes[at..at + 2].try_into().unwrap()));
        let u32_at = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
        assert_eq!(bytes[0], 1, "kind");
        assert!(bytes.len() <= 16 * 1024 * 1024);
        let mut frame = Frame {
            full: bytes[1] == 1,
            seq: u32_at(4),
            rendered_at_us: u64::from_le_bytes(bytes[8..16].try_into().unwrap()),
            applied: u32_at(16),
            rects: u16_at(2),
            deflated: 0,
        };
        assert!((1..=64).contains(&frame.rects));
        let mut at = 20;
        for _ in 0..frame.rects {
            let [x, y, w, h] = [0, 2, 4, 6].map(|offset| u16_at(at + offset));
            assert!(w >= 1 && h >= 1 && x + w <= self.width && y + h <= self.height);
            assert_eq!(bytes[at + 9..at + 12], [0, 0, 0]);
            let length = usize::try_from(u32_at(at + 12)).unwrap();
            let data = &bytes[at + 16..at + 16 + length];
            let pixels = match bytes[at + 8] {
                0 => data.to_vec(),
                1 => data.repeat(w * h),
                2 => {
                    frame.deflated += 1;
                    let mut plain = Vec::new();
                    DeflateDecoder::new(data).read_to_end(&mut plain).unwrap();
                    plain
                }
                other => panic!("encoding {other}"),
            };
            assert_eq!(pixels.len(), w * h * 4);
            for (row, line) in pixels.chunks(w * 4).enumerate() {
                let start = ((y + row) * self.width + x) * 4;
                self.canvas[start..start + w * 4].copy_from_slice(line);
            }
            at += 16 + length;
        }
        assert_eq!(at, bytes.len(), "no padding");
        frame
    }
}
