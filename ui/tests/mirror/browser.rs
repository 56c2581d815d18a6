//! A headless Chromium, driven over its own debugging protocol.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use super::kiosk::LIMIT;

const NAMES: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];

pub struct Browser {
    process: Child,
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    session: String,
    next_id: u64,
    _profile: tempfile::TempDir,
}

impl Browser {
    /// Starts a browser with one empty tab; `None` on a machine without one.
    pub async fn start() -> Option<Self> {
        let profile = tempfile::tempdir().unwrap();
        let mut process = NAMES.iter().find_map(|name| {
            Command::new(name)
                .args(["--headless=new", "--no-sandbox", "--disable-gpu", "--remote-debugging-port=0"])
                .arg(format!("--user-data-dir={}", profile.path().display()))
                .arg("about:blank")
                .stderr(Stdio::piped())
                .spawn()
                .ok()
        })?;
        let stderr = process.stderr.take().unwrap();
        let address = BufReader::new(stderr)
            .lines()
            .map_while(Result::ok)
            .find_map(|line| line.strip_prefix("DevTools listening on ").map(str::to_owned))
            .expect("the browser says where it listens");
        let (socket, _) = connect_async(address).await.unwrap();
        let mut browser = Self { process, socket, session: String::new(), next_id: 0, _profile: profile };
        let tab = browser.call("Target.createTarget", json!({"url": "about:blank"})).await;
        let attach = json!({"targetId": tab["targetId"], "flatten": true});
        let attached = browser.call("Target.attachToTarget", attach).await;
        browser.session = attached["sessionId"].as_str().unwrap().to_owned();
        Some(browser)
    }

    /// Opens an address, and returns when the page is another one and has run its scripts.
    pub async fn open(&mut self, url: &str) {
        self.call("Page.enable", json!({})).await;
        self.call("Page.navigate", json!({"url": url})).await;
        self.event("Page.loadEventFired").await;
    }

    /// Loads the page anew.
    pub async fn reload(&mut self) {
        self.call("Page.reload", json!({})).await;
        self.event("Page.loadEventFired").await;
    }

    pub async fn resize(&mut self, width: u32, height: u32) {
        let metrics = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
        self.call("Emulation.setDeviceMetricsOverride", metrics).await;
    }

    /// The value of an expression; promises are awaited.
    pub async fn evaluate(&mut self, expression: &str) -> Value {
        let call = json!({"expression": expression, "awaitPromise": true, "returnByValue": true});
        let result = self.call("Runtime.evaluate", call).await;
        assert!(result.get("exceptionDetails").is_none(), "{expression}: {result}");
        result["result"]["value"].clone()
    }

    /// Waits until an expression holds, looking again at each refresh of the page.
    pub async fn until(&mut self, expression: &str) {
        let wait = format!(
            "new Promise(done => {{ const look = () => ({expression}) ? done(true) : setTimeout(look, 5); look(); }})"
        );
        assert_eq!(self.evaluate(&wait).await, json!(true));
    }

    pub async fn mouse(&mut self, kind: &str, x: f64, y: f64) {
        let event = json!({"type": kind, "x": x, "y": y, "button": "left", "clickCount": 1});
        self.call("Input.dispatchMouseEvent", event).await;
    }

    pub async fn key(&mut self, key: &str) {
        self.call("Input.dispatchKeyEvent", json!({"type": "keyDown", "key": key, "text": key})).await;
        self.call("Input.dispatchKeyEvent", json!({"type": "keyUp", "key": key})).await;
    }

    async fn call(&mut self, method: &str, params: Value) -> Value {
        self.next_id += 1;
        let id = self.next_id;
        let mut call = json!({"id": id, "method": method, "params": params});
        if !self.session.is_empty() {
            call["sessionId"] = json!(self.session);
        }
        self.socket.send(Message::text(call.to_string())).await.unwrap();
        let answer = self.answer(|message| message["id"] == json!(id)).await;
        assert!(answer.get("error").is_none(), "{method}: {answer}");
        answer["result"].clone()
    }

    async fn event(&mut self, method: &str) {
        self.answer(|message| message["method"] == json!(method)).await;
    }

    async fn answer(&mut self, is_it: impl Fn(&Value) -> bool) -> Value {
        loop {
            let next = timeout(LIMIT, self.socket.next()).await.expect("the browser answers");
            let Some(Ok(Message::Text(text))) = next else { panic!("the browser hung up") };
            let message: Value = serde_json::from_str(&text).unwrap();
            if is_it(&message) {
                return message;
            }
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // It may have ended by itself.
        self.process.kill().ok();
        self.process.wait().ok();
    }
}
