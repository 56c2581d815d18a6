//! As much of the Chrome DevTools Protocol as a bench needs: calls, answers, events, over one WebSocket.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use serde_json::{Value, json};
use tungstenite::client::IntoClientRequest as _;
use tungstenite::{Message, WebSocket};

use crate::process::wait_until;

/// A connection to one page.
pub(super) struct DevTools {
    socket: WebSocket<TcpStream>,
    calls: u64,
    answers: Vec<Value>,
    events: Vec<String>,
}

/// A call whose answer has not come yet.
#[derive(Clone, Copy)]
pub(super) struct Sent(u64);

impl DevTools {
    /// Connects to the first page of the browser at this port, once it has one.
    pub fn of_first_page(port: u16, limit: Duration) -> anyhow::Result<Self> {
        let address =
            wait_until(limit, || first_page(port).ok().flatten()).context("Chromium shows no page")?;
        let request = address.as_str().into_client_request()?;
        let stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_nodelay(true)?;
        let (socket, _) = tungstenite::client(request, stream).map_err(|e| anyhow::anyhow!("{e}"))?;
        Ok(Self { socket, calls: 0, answers: Vec::new(), events: Vec::new() })
    }

    /// Calls a method and waits for its result.
    pub fn call(&mut self, method: &str, arguments: &Value, limit: Duration) -> anyhow::Result<Value> {
        let sent = self.send(method, arguments)?;
        self.wait_answer(sent, limit).with_context(|| method.to_owned())
    }

    /// Calls a method without waiting.
    pub fn send(&mut self, method: &str, arguments: &Value) -> anyhow::Result<Sent> {
        self.calls += 1;
        let call = json!({"id": self.calls, "method": method, "params": arguments});
        self.socket.send(Message::text(call.to_string()))?;
        Ok(Sent(self.calls))
    }

    /// Waits for the result of a call.
    pub fn wait_answer(&mut self, sent: Sent, limit: Duration) -> anyhow::Result<Value> {
        let until = Instant::now() + limit;
        loop {
            if let Some(at) = self.answers.iter().position(|answer| answer["id"] == sent.0) {
                let answer = self.answers.swap_remove(at);
                anyhow::ensure!(answer["error"].is_null(), "Chromium says {}", answer["error"]);
                return Ok(answer["result"].clone());
            }
            self.receive(until)?;
        }
    }

    /// Waits for an event that has not been waited for yet.
    pub fn wait_event(&mut self, name: &str, limit: Duration) -> anyhow::Result<()> {
        let until = Instant::now() + limit;
        loop {
            if let Some(at) = self.events.iter().position(|event| event == name) {
                self.events.remove(at);
                return Ok(());
            }
            self.receive(until)?;
        }
    }

    fn receive(&mut self, until: Instant) -> anyhow::Result<()> {
        let left = until.saturating_duration_since(Instant::now());
        anyhow::ensure!(!left.is_zero(), "Chromium does not answer");
        self.socket.get_ref().set_read_timeout(Some(left))?;
        match self.socket.read()? {
            Message::Text(text) => {
                let message: Value = serde_json::from_str(&text)?;
                match message["method"].as_str() {
                    Some(event) => self.events.push(event.to_owned()),
                    None => self.answers.push(message),
                }
            }
            Message::Close(reason) => bail!("Chromium closed the connection: {reason:?}"),
            Message::Binary(_) | Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {}
        }
        Ok(())
    }
}

/// Where the first page is debugged, if there is a page yet.
fn first_page(port: u16) -> anyhow::Result<Option<String>> {
    let list: Value = serde_json::from_str(&get(port, "/json/list")?)?;
    let pages = list.as_array().context("no list")?;
    let page = pages.iter().find(|page| page["type"] == "page");
    Ok(page.and_then(|page| page["webSocketDebuggerUrl"].as_str()).map(str::to_owned))
}

/// One HTTP request on loopback.
fn get(port: u16, path: &str) -> anyhow::Result<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(Duration::from_secs(2)))?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n")?;
    let mut answer = Vec::new();
    let mut piece = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&answer);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .filter_map(|line| line.split_once(':'))
                .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
                .and_then(|(_, value)| value.trim().parse::<usize>().ok());
            if length.is_some_and(|length| body.len() >= length) {
                return Ok(body.to_owned());
            }
        }
        let count = stream.read(&mut piece)?;
        anyhow::ensure!(count > 0, "Chromium hung up");
        answer.extend_from_slice(&piece[..count]);
    }
}

/// Base64 as DevTools sends pictures.
pub(super) fn base64_decode(text: &str) -> anyhow::Result<Vec<u8>> {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    let (mut bits, mut count) = (0_u32, 0);
    for byte in text.bytes().take_while(|byte| *byte != b'=') {
        let value = ALPHABET.iter().position(|letter| *letter == byte).context("not base64")?;
        bits = bits << 6 | u32::try_from(value)?;
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from(bits >> count & 0xff)?);
        }
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_of_every_length_is_decoded() {
        for (text, bytes) in
            [("", &b""[..]), ("Zg==", b"f"), ("Zm8=", b"fo"), ("Zm9v", b"foo"), ("+/8=", &[0xfb, 0xff])]
        {
            assert_eq!(base64_decode(text).unwrap(), bytes, "{text}");
        }
        assert!(base64_decode("a b").is_err());
    }
}
