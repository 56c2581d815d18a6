use proptest::prelude::*;

use super::*;
use crate::terminal::codec::captures::bytes;
use crate::terminal::profile::Profile;

const START: At = Duration::from_secs(100);

fn framer(framing: Framing) -> Framer {
    Framer::new(framing, &Profile::standard().timers)
}

fn message(hex: &str) -> Apdu {
    Apdu::decode(&bytes(hex)).unwrap()
}

/// Everything that came in, deliveries left out.
fn messages(framer: &mut Framer) -> Vec<Apdu> {
    let mut messages = Vec::new();
    while let Some(inbound) = framer.next() {
        if let Inbound::Message(message) = inbound {
            messages.push(message);
        }
    }
    messages
}

fn take_output(framer: &mut Framer) -> Vec<u8> {
    let output = framer.output().to_vec();
    framer.written(output.len());
    output
}

const SERIAL_VECTORS: [(&str, &str, &str); 5] = [
    ("80 00 00", "10 02 80 00 00 10 03 F5 1F", "10 02 80 00 00 10 03 83"),
    ("06 B0 00", "10 02 06 B0 00 10 03 43 F3", "10 02 06 B0 00 10 03 B5"),
    (
        "06 01 07 04 00 00 00 00 25 00",
        "10 02 06 01 07 04 00 00 00 00 25 00 10 03 71 2E",
        "10 02 06 01 07 04 00 00 00 00 25 00 10 03 22",
    ),
    (
        "06 01 07 04 00 00 00 00 10 00",
        "10 02 06 01 07 04 00 00 00 00 10 10 00 10 03 62 91",
        "10 02 06 01 07 04 00 00 00 00 10 10 00 10 03 17",
    ),
    (
        "06 00 10 00 00 00 BE 09 78 03 01 06 06 26 04 0A 02 06 D3",
        "10 02 06 00 10 10 00 00 00 BE 09 78 03 01 06 06 26 04 0A 02 06 D3 10 03 D7 DE",
        "",
    ),
];

#[test]
fn serial_frames_are_the_published_ones() {
    for (apdu, crc, lrc) in SERIAL_VECTORS {
        let mut line = framer(Framing::SerialCrc);
        line.send(START, &message(apdu));
        assert_eq!(take_output(&mut line), bytes(crc), "{apdu}");
        line.on_bytes(START, &[0x06]);
        line.on_bytes(START, &bytes(crc));
        assert_eq!(messages(&mut line), [message(apdu)]);
        assert_eq!(take_output(&mut line), [0x06]);
        if lrc.is_empty() {
            continue;
        }
        let mut line = framer(Framing::SerialLrc);
        line.send(START, &message(apdu));
        assert_eq!(take_output(&mut line), bytes(lrc), "{apdu}");
        line.on_bytes(START, &[0x10, 0x06]);
        line.on_bytes(START, &bytes(lrc));
        assert_eq!(messages(&mut line), [message(apdu)]);
        assert_eq!(take_output(&mut line), [0x10, 0x06]);
    }
}

#[test]
fn half_and_glued_messages_come_out_whole_and_in_order() {
    let three = bytes("04 FF 02 0A 05 80 00 00 06 0F 00");
    for cut in 0..=three.len() {
        let mut stream = framer(Framing::Stream);
        stream.on_bytes(START, &three[..cut]);
        stream.on_bytes(START, &three[cut..]);
        let expected = [message("04 FF 02 0A 05"), message("80 00 00"), message("06 0F 00")];
        assert_eq!(messages(&mut stream), expected, "cut at {cut}");
        assert_eq!(stream.garbage_bytes(), 0);
    }
}

#[test]
fn a_banner_before_the_protocol_is_skipped_and_counted() {
    let mut stream = framer(Framing::Stream);
    let banner = [&[0, 0, 0, 0x3E][..], b"VER 2.09 APP GER-APP-v2.0.9 1234\r\n"].concat();
    stream.on_bytes(START, &banner);
    stream.on_bytes(START, &bytes("80 00 00"));
    assert_eq!(messages(&mut stream), [message("80 00 00")]);
    assert_eq!(stream.garbage_bytes(), banner.len() as u64);
}

#[test]
fn noise_that_looks_like_a_long_message_is_given_up_when_its_rest_does_not_come() {
    let mut stream = framer(Framing::Stream);
    stream.on_bytes(START, &bytes("04 0F FF 00 20 80 00 00"));
    assert_eq!(messages(&mut stream), []);
    let deadline = stream.deadline().unwrap();
    assert_eq!(deadline, START + Profile::standard().timers.stall);
    stream.on_deadline(deadline);
    assert_eq!(messages(&mut stream), [message("80 00 00")]);
    assert_eq!(stream.deadline(), None);
}

#[test]
fn length_prefixed_messages_are_cut_and_written() {
    let mut stream = framer(Framing::LengthPrefixed);
    stream.send(START, &message("06 B0 00"));
    assert_eq!(take_output(&mut stream), bytes("00 03 06 B0 00"));
    let glued = bytes("00 03 80 00 00 00 05 04 FF 02 0A 05");
    for cut in 0..=glued.len() {
        let mut stream = framer(Framing::LengthPrefixed);
        stream.on_bytes(START, &glued[..cut]);
        stream.on_bytes(START, &glued[cut..]);
        let expected = [message("80 00 00"), message("04 FF 02 0A 05")];
        assert_eq!(messages(&mut stream), expected, "cut at {cut}");
    }
    let mut stream = framer(Framing::LengthPrefixed);
    stream.on_bytes(START, &bytes("FF 00 03 80 00 00"));
    assert_eq!((messages(&mut stream), stream.garbage_bytes()), (vec![message("80 00 00")], 1));
}

#[test]
fn a_frame_with_a_wrong_check_sum_is_asked_for_again() {
    let mut line = framer(Framing::SerialCrc);
    line.on_bytes(START, &bytes("10 02 80 00 00 10 03 F5 1E"));
    assert_eq!(take_output(&mut line), [0x15]);
    assert_eq!(messages(&mut line), []);
    line.on_bytes(START, &bytes("10 02 80 00 00 10 03 F5 1F"));
    assert_eq!(take_output(&mut line), [0x06]);
    assert_eq!(messages(&mut line), [message("80 00 00")]);
}

#[test]
fn a_frame_that_stops_in_the_middle_is_asked_for_again_after_t1() {
    let mut line = framer(Framing::SerialCrc);
    line.on_bytes(START, &bytes("10 02 80 00"));
    let deadline = line.deadline().unwrap();
    assert_eq!(deadline, START + Duration::from_millis(200));
    line.on_deadline(deadline);
    assert_eq!(take_output(&mut line), [0x15]);
    line.on_bytes(deadline, &bytes("10 02 80 00 00 10 03 F5 1F"));
    assert_eq!(messages(&mut line), [message("80 00 00")]);
}

#[test]
fn a_lost_end_mark_does_not_swallow_the_next_frame() {
    let mut line = framer(Framing::SerialCrc);
    line.on_bytes(START, &bytes("10 02 04 FF 01 10 02 80 00 00 10 03 F5 1F"));
    assert_eq!(messages(&mut line), [message("80 00 00")]);
}

#[test]
fn a_refused_frame_is_repeated_three_times_and_then_the_line_is_at_fault() {
    let mut line = framer(Framing::SerialCrc);
    line.send(START, &message("06 B0 00"));
    let frame = take_output(&mut line);
    for _ in 0..3 {
        line.on_bytes(START, &[0x15]);
        assert_eq!(take_output(&mut line), frame);
    }
    line.on_bytes(START, &[0x15]);
    assert_eq!(line.next(), Some(Inbound::LineFault));
    assert_eq!(line.deadline(), None);
}

#[test]
fn a_silent_line_is_tried_four_times_over_twenty_seconds() {
    let mut line = framer(Framing::SerialCrc);
    line.send(START, &message("06 B0 00"));
    let frame = take_output(&mut line);
    for attempt in 1..=3u32 {
        let deadline = line.deadline().unwrap();
        assert_eq!(deadline, START + Duration::from_secs(5) * attempt);
        line.on_deadline(deadline);
        assert_eq!(take_output(&mut line), frame);
    }
    line.on_deadline(line.deadline().unwrap());
    assert_eq!(line.next(), Some(Inbound::LineFault));
}

#[test]
fn the_second_message_waits_for_the_answer_to_the_first() {
    let mut line = framer(Framing::SerialCrc);
    let first = line.send(START, &message("80 00 00"));
    let second = line.send(START, &message("06 B0 00"));
    assert_eq!(take_output(&mut line), bytes("10 02 80 00 00 10 03 F5 1F"));
    line.on_bytes(START, &[0x06]);
    assert_eq!(line.next(), Some(Inbound::Delivered(first)));
    assert_eq!(take_output(&mut line), bytes("10 02 06 B0 00 10 03 43 F3"));
    line.answered(START);
    assert_eq!(line.next(), Some(Inbound::Delivered(second)));
}

proptest! {
    #[test]
    fn any_message_survives_any_line_cut_anywhere(
        instr: u8,
        data in prop::collection::vec(any::<u8>(), 0..300),
        cut: prop::sample::Index,
    ) {
        let message = Apdu::new(0x04, if instr < 128 { 0x0F } else { 0xFF }, data);
        for framing in [Framing::Stream, Framing::LengthPrefixed, Framing::SerialCrc, Framing::SerialLrc] {
            let mut sender = framer(framing);
            sender.send(START, &message);
            let bytes = take_output(&mut sender);
            let cut = cut.index(bytes.len());
            let mut receiver = framer(framing);
            receiver.on_bytes(START, &bytes[..cut]);
            receiver.on_bytes(START, &bytes[cut..]);
            prop_assert_eq!(messages(&mut receiver), vec![message.clone()]);
        }
    }

    #[test]
    fn random_bytes_never_stop_a_line_for_good(noise in prop::collection::vec(any::<u8>(), 0..200)) {
        for framing in [Framing::Stream, Framing::LengthPrefixed, Framing::SerialCrc, Framing::SerialLrc] {
            let mut line = framer(framing);
            line.on_bytes(START, &noise);
            while let Some(deadline) = line.deadline() {
                line.on_deadline(deadline);
            }
            messages(&mut line);
            take_output(&mut line);
            let mut sender = framer(framing);
            sender.send(START, &message("06 0F 00"));
            let mut late = START + Duration::from_secs(60);
            // Noise may end inside an escape: what comes in is then repeated by the sender after a refusal.
            for _ in 0..3 {
                line.on_bytes(late, sender.output());
                late += Duration::from_secs(1);
                while line.deadline().is_some_and(|deadline| deadline <= late) {
                    line.on_deadline(late);
                }
            }
            prop_assert!(messages(&mut line).contains(&message("06 0F 00")));
        }
    }
}
