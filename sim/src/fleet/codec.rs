//! As much of MQTT 5.0 (OASIS standard, 7 March 2019) as a kiosk speaks, written from the standard.

/// What a client sends.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Out<'a> {
    Connect { client_id: &'a str, keep_alive: u16, will_topic: &'a str, will: &'a [u8] },
    Publish { topic: &'a str, payload: &'a [u8], id: u16, retain: bool },
    Subscribe { id: u16, filter: &'a str },
    PubAck { id: u16 },
    Ping,
    Disconnect,
}

/// What a broker sends.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum In {
    ConnAck { reason: u8 },
    Publish { topic: String, payload: Vec<u8>, id: Option<u16> },
    PubAck { id: u16, reason: u8 },
    SubAck { reason: u8 },
    Pong,
    Disconnect { reason: u8 },
}

/// Bytes that are no packet of a broker.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("not a packet of MQTT 5")]
pub(crate) struct NotMqtt;

/// The broker keeps a lost session without end, as that of a kiosk.
const SESSION_EXPIRY: u32 = u32::MAX;
/// Largest packet we take.
pub(crate) const PACKET_MAX: usize = 512 * 1024;

/// Appends a packet.
pub(crate) fn write(out: &Out<'_>, to: &mut Vec<u8>) {
    let (head, body) = match out {
        Out::Connect { client_id, keep_alive, will_topic, will } => {
            let mut body = Vec::new();
            text("MQTT", &mut body);
            // Version 5; will retained at QoS 1; the session is kept.
            body.extend([5, 0b0010_1100]);
            body.extend(keep_alive.to_be_bytes());
            // Session expiry.
            body.extend([5, 0x11]);
            body.extend(SESSION_EXPIRY.to_be_bytes());
            text(client_id, &mut body);
            body.push(0);
            text(will_topic, &mut body);
            blob(will, &mut body);
            (0x10, body)
        }
        Out::Publish { topic, payload, id, retain } => {
            let mut body = Vec::with_capacity(topic.len() + payload.len() + 5);
            text(topic, &mut body);
            body.extend(id.to_be_bytes());
            body.push(0);
            body.extend_from_slice(payload);
            (0x32 | u8::from(*retain), body)
        }
        Out::Subscribe { id, filter } => {
            let mut body = id.to_be_bytes().to_vec();
            body.push(0);
            text(filter, &mut body);
            body.push(1);
            (0x82, body)
        }
        Out::PubAck { id } => (0x40, id.to_be_bytes().to_vec()),
        Out::Ping => (0xc0, Vec::new()),
        Out::Disconnect => (0xe0, Vec::new()),
    };
    to.push(head);
    length(body.len(), to);
    to.extend(body);
}

fn text(text: &str, to: &mut Vec<u8>) {
    blob(text.as_bytes(), to);
}

fn blob(bytes: &[u8], to: &mut Vec<u8>) {
    to.extend(u16::try_from(bytes.len()).unwrap_or(u16::MAX).to_be_bytes());
    to.extend_from_slice(bytes);
}

fn length(mut left: usize, to: &mut Vec<u8>) {
    loop {
        let digit = u8::try_from(left % 128).unwrap_or(0);
        left /= 128;
        to.push(if left > 0 { digit | 0x80 } else { digit });
        if left == 0 {
            return;
        }
    }
}

/// Takes the first whole packet out of `from`; `None`: more bytes are needed.
pub(crate) fn read(from: &mut Vec<u8>) -> Result<Option<In>, NotMqtt> {
    let Some((&head, rest)) = from.split_first() else { return Ok(None) };
    let Some((body_length, digits)) = number(rest)? else { return Ok(None) };
    if body_length > PACKET_MAX {
        return Err(NotMqtt);
    }
    let start = 1 + digits;
    let Some(body) = from.get(start..start + body_length) else { return Ok(None) };
    let packet = packet(head, body)?;
    from.drain(..start + body_length);
    Ok(Some(packet))
}

fn packet(head: u8, body: &[u8]) -> Result<In, NotMqtt> {
    let mut body = Body(body);
    match head >> 4 {
        2 => {
            body.byte()?;
            Ok(In::ConnAck { reason: body.byte()? })
        }
        3 => {
            let topic = String::from_utf8(body.blob()?.to_vec()).map_err(|_| NotMqtt)?;
            let id = if head & 0b110 == 0 { None } else { Some(body.short()?) };
            body.properties()?;
            Ok(In::Publish { topic, payload: body.0.to_vec(), id })
        }
        4 => {
            let id = body.short()?;
            // A plain success may leave the reason out.
            Ok(In::PubAck { id, reason: body.byte().unwrap_or(0) })
        }
        9 => {
            body.short()?;
            body.properties()?;
            Ok(In::SubAck { reason: body.byte()? })
        }
        13 => Ok(In::Pong),
        14 => Ok(In::Disconnect { reason: body.byte().unwrap_or(0) }),
        _ => Err(NotMqtt),
    }
}

/// A number of up to four digits of 7 bits, and how many there were; `None`: more bytes are needed.
fn number(bytes: &[u8]) -> Result<Option<(usize, usize)>, NotMqtt> {
    let mut value = 0;
    for (at, byte) in bytes.iter().enumerate().take(4) {
        value |= usize::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            return Ok(Some((value, at + 1)));
        }
    }
    if bytes.len() >= 4 { Err(NotMqtt) } else { Ok(None) }
}

struct Body<'a>(&'a [u8]);

impl<'a> Body<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], NotMqtt> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or(NotMqtt)?;
        self.0 = rest;
        Ok(taken)
    }

    fn byte(&mut self) -> Result<u8, NotMqtt> {
        self.take(1).map(|bytes| bytes[0])
    }

    fn short(&mut self) -> Result<u16, NotMqtt> {
        self.take(2).map(|bytes| u16::from_be_bytes([bytes[0], bytes[1]]))
    }

    fn blob(&mut self) -> Result<&'a [u8], NotMqtt> {
        let length = self.short()?;
        self.take(length.into())
    }

    fn properties(&mut self) -> Result<(), NotMqtt> {
        let (length, digits) = number(self.0)?.ok_or(NotMqtt)?;
        self.take(digits)?;
        self.take(length).map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_are_written_as_the_standard_has_them() {
        let mut bytes = Vec::new();
        write(&Out::Publish { topic: "a/b", payload: b"hi", id: 7, retain: true }, &mut bytes);
        assert_eq!(bytes, [0x33, 10, 0, 3, b'a', b'/', b'b', 0, 7, 0, b'h', b'i']);
        bytes.clear();
        write(&Out::Subscribe { id: 1, filter: "x" }, &mut bytes);
        assert_eq!(bytes, [0x82, 7, 0, 1, 0, 0, 1, b'x', 1]);
        bytes.clear();
        write(&Out::Publish { topic: "t", payload: &[0; 300], id: 1, retain: false }, &mut bytes);
        assert_eq!(bytes[..3], [0x32, 0xb2, 0x02], "306 in two digits");
    }

    #[test]
    fn packets_are_read_from_any_cut_of_the_stream() {
        let stream = [
            &[0x20, 3, 0, 0, 0][..],
            &[0x32, 9, 0, 1, b't', 0, 5, 0, b'a', b'b', b'c'],
            &[0x40, 2, 0, 5],
            &[0x40, 4, 0, 6, 0x10, 0],
            &[0x90, 4, 0, 1, 0, 1],
            &[0xd0, 0],
            &[0xe0, 1, 0x8e],
        ]
        .concat();
        for step in 1..stream.len() {
            let (mut buffer, mut read_packets) = (Vec::new(), Vec::new());
            for part in stream.chunks(step) {
                buffer.extend_from_slice(part);
                while let Some(packet) = read(&mut buffer).unwrap() {
                    read_packets.push(packet);
                }
            }
            assert_eq!(
                read_packets,
                [
                    In::ConnAck { reason: 0 },
                    In::Publish { topic: "t".into(), payload: b"abc".to_vec(), id: Some(5) },
                    In::PubAck { id: 5, reason: 0 },
                    In::PubAck { id: 6, reason: 0x10 },
                    In::SubAck { reason: 1 },
                    In::Pong,
                    In::Disconnect { reason: 0x8e },
                ]
            );
        }
    }

    #[test]
    fn garbage_is_refused() {
        for bytes in [vec![0x00, 0], vec![0x30, 0xff, 0xff, 0xff, 0xff, 1], vec![0x32, 1, 0]] {
            assert_eq!(read(&mut bytes.clone()), Err(NotMqtt), "{bytes:?}");
        }
    }
}
