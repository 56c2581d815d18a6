//! Packets captured from real terminals, as published with the crate `zvt`, and what that crate reads in them.
//!
//! The crate is an oracle for tests only. Its recordings are read from the copy that cargo has unpacked, so that no
//! foreign data lives in this repository.

use std::path::{Path, PathBuf};
use std::process::Command as Process;
use std::sync::OnceLock;

use zvt::{ZvtSerializer, packets};

use super::apdu::{self, Apdu, Scan};
use super::text::Charset;
use super::{bmp, command, completion, print, result};
use crate::terminal::codes::Condition;
use crate::terminal::money::Money;
use crate::terminal::profile::{Password, TerminalSettings};
use crate::terminal::types::{ChargeRequest, Command, LocalTime, ReceiptKind};

/// Bytes from hexadecimal digits; blanks do not count.
pub(crate) fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<char> = hex.chars().filter(|c| !c.is_whitespace()).collect();
    assert!(digits.len().is_multiple_of(2), "half a byte in {hex}");
    digits.chunks(2).map(|pair| u8::from_str_radix(&String::from_iter(pair), 16).unwrap()).collect()
}

/// The directory with the recordings; asking cargo is slow, so it is done once.
fn recordings() -> &'static Path {
    static DIRECTORY: OnceLock<PathBuf> = OnceLock::new();
    DIRECTORY.get_or_init(find_recordings)
}

fn find_recordings() -> PathBuf {
    // Without the platform cargo would want every other platform's crates as well.
    let platform = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let output = Process::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--offline", "--filter-platform", &platform])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let end = text.find("/zvt-0.1.0/Cargo.toml").expect("the crate zvt 0.1.0 is a dev-dependency");
    let start = text[..end].rfind('"').unwrap() + 1;
    PathBuf::from(&text[start..end]).join("zvt-0.1.0").join("data")
}

fn all() -> Vec<(String, Vec<u8>)> {
    let mut packets: Vec<_> = std::fs::read_dir(recordings())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), std::fs::read(path).unwrap()))
        .collect();
    packets.sort();
    packets
}

fn one(name: &str) -> Apdu {
    let (_, bytes) = all().into_iter().find(|(file, _)| file.starts_with(name)).unwrap();
    Apdu::decode(&bytes).unwrap()
}

#[test]
fn every_recorded_packet_is_one_message_and_encodes_to_itself() {
    let packets = all();
    assert!(packets.len() >= 20, "only {} recordings", packets.len());
    for (name, bytes) in packets {
        let apdu = Apdu::decode(&bytes).unwrap_or_else(|| panic!("{name} is no message"));
        assert_eq!(apdu.encode(), bytes, "{name}");
    }
}

#[test]
fn what_a_terminal_sent_is_recognised_on_the_stream() {
    for (name, bytes) in all().into_iter().filter(|(name, _)| name.contains("pt_ecr")) {
        assert_eq!(apdu::scan(&bytes), Scan::Whole(bytes.len()), "{name}");
    }
}

#[test]
fn results_read_as_the_oracle_reads_them() {
    let mut compared = 0;
    for (name, bytes) in all() {
        let apdu = Apdu::decode(&bytes).unwrap();
        if apdu.control() != 0x040F {
            continue;
        }
        let theirs = packets::StatusInformation::zvt_deserialize(&bytes).unwrap().0;
        let ours = result::parse(&apdu.data, Charset::Cp437);
        let as_u32 = |number: Option<usize>| number.map(|number| u32::try_from(number).unwrap());
        assert!(ours.complete, "{name}");
        assert_eq!(ours.code, theirs.result_code, "{name}");
        assert_eq!(
            ours.result.amount_minor,
            theirs.amount.map(|amount| i64::try_from(amount).unwrap()),
            "{name}"
        );
        assert_eq!(ours.result.trace, as_u32(theirs.trace_number), "{name}");
        assert_eq!(ours.result.receipt_no, as_u32(theirs.receipt_no), "{name}");
        assert_eq!(ours.result.terminal_id, as_u32(theirs.terminal_id), "{name}");
        let currency = ours.result.currency.map(|currency| usize::from(currency.number()));
        assert_eq!(currency, theirs.currency, "{name}");
        assert_eq!(ours.result.card_name, theirs.card_name, "{name}");
        let merchant = theirs.vu_number.map(|number| number.trim().to_owned());
        assert_eq!(ours.result.merchant_id, merchant, "{name}");
        assert_eq!(ours.result.auth_code, theirs.aid_authorization_attribute, "{name}");
        let totals = theirs.single_amounts.map(|totals| totals.eurocard.total);
        let our_totals = ours.totals.map(|totals| usize::try_from(totals.groups[2].minor).unwrap());
        assert_eq!(our_totals, totals, "{name}");
        compared += 1;
    }
    assert!(compared >= 4, "only {compared} results");
}

#[test]
fn a_recorded_pre_authorisation_keeps_only_four_digits() {
    let apdu = one("1682066249");
    let result = result::parse(&apdu.data, Charset::Cp437).result;
    assert_eq!(result.masked_pan.as_deref(), Some("***************8004"));
    assert_eq!(result.card_brand, Some("girocard"));
}

#[test]
fn recorded_chip_data_gives_the_application() {
    let apdu = one("1680728161");
    assert_eq!(result::parse(&apdu.data, Charset::Cp437).result.aid.as_deref(), Some("A0000000041010"));
}

#[test]
fn recorded_receipts_have_all_their_lines() {
    let receipt = print::block(&one("1680728215.585561").data, Charset::Cp437);
    assert_eq!((receipt.lines.len(), receipt.kind, receipt.end), (33, Some(ReceiptKind::Customer), true));
    assert_eq!(receipt.lines[1].text.trim(), "** Customer Receipt **");
    let report = print::block(&one("print_system").data, Charset::Cp437);
    assert_eq!((report.lines.len(), report.kind), (118, Some(ReceiptKind::Administration)));
}

#[test]
fn recorded_completions_are_told_apart() {
    let registration = completion::registration(&one("1680761818.641601").data);
    assert_eq!(registration.terminal_id, Some(52_523_535));
    let status = completion::status_report(&one("1680728219").data, Charset::Cp437);
    assert_eq!(status.condition, Condition::Ready);
    assert_eq!(status.version.as_deref(), Some("GER-APP-v2.0.9;cS02.01.01-10.10-2-2;CC26"));
    assert_eq!(status.device_name.as_deref(), Some("cVEND plug"));
    assert_eq!(status.serial.as_deref(), Some("17FD1E3C"));
    assert_eq!(status.terminal_id, Some(52_523_535));
    let none_open = completion::abort(&one("partial_reversal").data, Charset::Cp437);
    assert_eq!(none_open.code, 0xB8);
}

fn settings() -> TerminalSettings {
    TerminalSettings { password: Password::new("123456").unwrap(), ..TerminalSettings::standard() }
}

fn encoded(command: &Command) -> Vec<u8> {
    command::encode(command, &settings()).unwrap().encode()
}

#[test]
fn the_oracle_reads_our_guarded_commands() {
    let status = packets::StatusEnquiry::zvt_deserialize(&encoded(&Command::Status)).unwrap().0;
    assert_eq!(status.password, Some(123_456));
    let end = packets::EndOfDay::zvt_deserialize(&encoded(&Command::EndOfDay)).unwrap().0;
    assert_eq!(end, packets::EndOfDay { password: 123_456 });
    let initialise = packets::Initialization::zvt_deserialize(&encoded(&Command::Initialise)).unwrap().0;
    assert_eq!(initialise, packets::Initialization { password: 123_456 });
    let diagnosis = packets::Diagnosis::zvt_deserialize(&encoded(&Command::Diagnosis)).unwrap().0;
    assert_eq!(diagnosis, packets::Diagnosis { tlv: None });
    packets::ResetTerminal::zvt_deserialize(&encoded(&Command::Reset)).unwrap();
    packets::Ack::zvt_deserialize(&Apdu::ok().encode()).unwrap();
}

#[test]
fn the_oracle_reads_our_registration() {
    // It knows neither the service byte nor the command list, so the shortest dialect is compared.
    let mut settings = settings();
    settings.profile.service = None;
    settings.profile.wants_text_blocks = false;
    let bytes = command::encode(&Command::Register, &settings).unwrap().encode();
    let theirs = packets::Registration::zvt_deserialize(&bytes).unwrap().0;
    let expected =
        packets::Registration { password: 123_456, config_byte: 0xBE, currency: Some(978), tlv: None };
    assert_eq!(theirs, expected);
    assert_eq!(bytes, expected.zvt_serialize());
}

#[test]
fn the_oracle_reads_the_fields_of_our_charge() {
    // It has no authorisation, but its reservation has the same fields under another instruction.
    let charge = Command::Charge(ChargeRequest { amount: Money::eur(1295) });
    let mut bytes = encoded(&charge);
    bytes[1] = 0x22;
    let theirs = packets::Reservation::zvt_deserialize(&bytes).unwrap().0;
    let expected = packets::Reservation {
        amount: Some(1295),
        currency: Some(978),
        maximum_no_of_status_info: Some(10),
        ..packets::Reservation::default()
    };
    assert_eq!(theirs, expected);
}

#[test]
fn the_oracle_reads_our_clock() {
    let time = LocalTime { year: 2023, month: 4, day: 5, hour: 22, minute: 55, second: 58 };
    let mut bytes = encoded(&Command::SetClock(time));
    // The terminal sets a till's clock with the same fields under another control field.
    bytes[..2].copy_from_slice(&[0x04, 0x01]);
    let theirs = packets::SetTimeAndDate::zvt_deserialize(&bytes).unwrap().0;
    assert_eq!(theirs, packets::SetTimeAndDate { date: 230_405, time: 225_558 });
}

#[test]
fn what_the_oracle_writes_is_what_we_read() {
    let theirs = packets::StatusInformation {
        result_code: Some(0),
        amount: Some(4711),
        currency: Some(978),
        trace_number: Some(77),
        receipt_no: Some(12),
        terminal_id: Some(12_345_678),
        card_name: Some("VISA".into()),
        ..packets::StatusInformation::default()
    };
    let apdu = Apdu::decode(&theirs.zvt_serialize()).unwrap();
    let ours = result::parse(&apdu.data, Charset::Cp437).result;
    assert_eq!(ours.money(), Some(Money::eur(4711)));
    assert_eq!((ours.trace, ours.receipt_no, ours.terminal_id), (Some(77), Some(12), Some(12_345_678)));
    assert_eq!(ours.card_name.as_deref(), Some("VISA"));
    assert!(bmp::is_complete(&apdu.data));
}
