//! The meaning of one complete command.

use super::SAMPLE_BYTES;
use super::length::word;
use crate::printer::command::Command;

/// `bytes` has the length that [`super::length::of`] asked for; anything unforeseen is [`Command::Unsupported`].
pub fn command(bytes: &[u8]) -> Command {
    let known = match bytes {
        [0x10, ..] => Some(Command::RealTime),
        [0x1B, rest @ ..] => escape(rest),
        [0x1D, rest @ ..] => group(rest),
        [0x0A] => Some(Command::LineFeed),
        [0x0D] => Some(Command::CarriageReturn),
        [0x09] => Some(Command::Tab),
        [byte @ 0x20..=0xFF] => Some(Command::Text(*byte)),
        _ => None,
    };
    known.unwrap_or_else(|| Command::Unsupported(bytes[..bytes.len().min(SAMPLE_BYTES)].to_vec()))
}

fn escape(rest: &[u8]) -> Option<Command> {
    Some(match *rest {
        [b'@'] => Command::Initialize,
        [b' ', n] => Command::CharacterSpacing(n),
        [b'!', n] => Command::PrintMode(n),
        [b'$', low, high] => Command::AbsolutePosition(word(low, high)),
        [b'\\', low, high] => Command::RelativePosition(i16::from_le_bytes([low, high])),
        [b'-', n] => Command::Underline(n),
        [b'2'] => Command::DefaultLineSpacing,
        [b'3', n] => Command::LineSpacing(n),
        [b'D', ref columns @ .., 0] => Command::Tabs(columns.to_vec()),
        [b'E', n] => Command::Emphasis(n & 1 == 1),
        [b'G', n] => Command::DoubleStrike(n & 1 == 1),
        [b'J', n] => Command::FeedDots(n),
        [b'd', n] => Command::FeedLines(n),
        [b'M', n] => Command::Font(n),
        [b'R', n] => Command::International(n),
        [b'{', n] => Command::UpsideDown(n & 1 == 1),
        [b'a', n] => Command::Justify(n),
        [b't', n] => Command::CodePage(n),
        [b'p', pin, on, _off] => Command::Pulse { pin: pin & 1, on },
        [b'c', b'5', n] => Command::PanelButtons { enabled: n & 1 == 0 },
        [b'*', mode, low, high, ref data @ ..] => {
            Command::BitImage { mode, columns: word(low, high), data: data.to_vec() }
        }
        [b'i'] => Command::Cut { full: true, feed: None },
        [b'm'] => Command::Cut { full: false, feed: None },
        _ => return None,
    })
}

fn group(rest: &[u8]) -> Option<Command> {
    Some(match *rest {
        [b'!', n] => Command::Size(n),
        [b'B', n] => Command::Inverse(n & 1 == 1),
        [b'H', n] => Command::HriPosition(n),
        [b'f', n] => Command::HriFont(n),
        [b'h', n] => Command::BarHeight(n),
        [b'w', n] => Command::BarWidth(n),
        [b'L', low, high] => Command::LeftMargin(word(low, high)),
        [b'W', low, high] => Command::PrintWidth(word(low, high)),
        [b'V', 0 | b'0'] => Command::Cut { full: true, feed: None },
        [b'V', 1 | b'1'] => Command::Cut { full: false, feed: None },
        [b'V', 65, n] => Command::Cut { full: true, feed: Some(n) },
        [b'V', 66, n] => Command::Cut { full: false, feed: Some(n) },
        [b'a', n] => Command::AutoStatus(n),
        [b'r', n] => Command::TransmitStatus(n),
        [b'I', n] => Command::TransmitIdentity(n),
        [b'k', system @ 65..=79, _count, ref data @ ..] => Command::Barcode { system, data: data.to_vec() },
        [b'k', system @ 0..=6, ref data @ .., 0] => Command::Barcode { system, data: data.to_vec() },
        [b'v', b'0', mode, x_low, x_high, _, _, ref data @ ..] => {
            Command::Raster { mode, width_bytes: word(x_low, x_high), data: data.to_vec() }
        }
        [b'(', b'H', 6, 0, 48, 48, a, b, c, d] => Command::ProcessId([a, b, c, d]),
        [b'(', b'k', _, _, kind, function, ref args @ ..] => {
            Command::Symbol { kind, function, args: args.to_vec() }
        }
        [b'(', b'L', _, _, ref args @ ..] | [b'8', b'L', _, _, _, _, ref args @ ..] => return graphics(args),
        _ => return None,
    })
}

/// The functions of `GS ( L` after their byte count; 48 is the graphics family.
fn graphics(args: &[u8]) -> Option<Command> {
    Some(match *args {
        [48, 2 | 50] => Command::PrintGraphics,
        // Tone 48 = one bit per dot, colour 49 = black: the only ones a receipt printer has.
        [48, 112, 48, scale_x, scale_y, 49, x_low, x_high, y_low, y_high, ref data @ ..] => {
            Command::StoreGraphics {
                scale_x,
                scale_y,
                width: word(x_low, x_high),
                height: word(y_low, y_high),
                data: data.to_vec(),
            }
        }
        _ => return None,
    })
}
