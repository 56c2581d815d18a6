//! Our commands as bytes.

use super::super::error::CommandError;
use super::super::profile::TerminalSettings;
use super::super::types::{ChargeRequest, Command, LocalTime, ReversalRequest};
use super::apdu::Apdu;
use super::{bcd, bmp, tlv};

/// Class of nearly all till commands.
const TILL: u8 = 0x06;

/// The container that lists the commands we understand beyond the old ones: `06 D3`, text blocks.
const PERMITTED_COMMANDS: u8 = 0x26;
const COMMAND: u8 = 0x0A;

/// Abort the running command; the only message we send while the terminal works.
pub(crate) fn abort() -> Apdu {
    Apdu::new(TILL, 0xB0, Vec::new())
}

/// A command as a message.
///
/// # Errors
/// A value that the protocol cannot carry: nothing may be sent then.
pub(crate) fn encode(command: &Command, settings: &TerminalSettings) -> Result<Apdu, CommandError> {
    let password = settings.password.packed();
    let guarded = |instr| Apdu::new(TILL, instr, password.to_vec());
    Ok(match command {
        Command::Register => register(settings),
        Command::Charge(request) => charge(request, settings)?,
        Command::Refund(request) => refund(request, settings)?,
        Command::Reverse(request) => reverse(*request, settings)?,
        Command::RepeatReceipt => guarded(0x20),
        Command::Status => Apdu::new(0x05, 0x01, password.to_vec()),
        Command::Totals => guarded(0x10),
        Command::PrintTotals => guarded(0x12),
        Command::EndOfDay => guarded(0x50),
        Command::Initialise => guarded(0x93),
        Command::Diagnosis => Apdu::new(TILL, 0x70, Vec::new()),
        Command::SetClock(time) => set_clock(*time)?,
        Command::Reset => Apdu::new(TILL, 0x18, Vec::new()),
        Command::LogOff => Apdu::new(TILL, 0x02, Vec::new()),
    })
}

fn register(settings: &TerminalSettings) -> Apdu {
    let profile = &settings.profile;
    let mut data = settings.password.packed().to_vec();
    data.push(profile.config);
    data.extend(currency(settings));
    if let Some(service) = profile.service {
        data.extend([bmp::SERVICE, service]);
    }
    if profile.wants_text_blocks {
        let mut commands = Vec::new();
        tlv::write(&mut commands, &[COMMAND], &[0x06, 0xD3]);
        let mut container = Vec::new();
        tlv::write(&mut container, &[PERMITTED_COMMANDS], &commands);
        tlv::write(&mut data, &[bmp::TLV], &container);
    }
    Apdu::new(TILL, 0x00, data)
}

fn charge(request: &ChargeRequest, settings: &TerminalSettings) -> Result<Apdu, CommandError> {
    let mut data = amount(request.amount, settings)?;
    data.push(bmp::CURRENCY);
    data.extend(currency(settings));
    if settings.profile.announces_waits {
        data.extend([bmp::MAX_STATUS, settings.profile.max_waits]);
    }
    Ok(Apdu::new(TILL, 0x01, data))
}

fn refund(request: &ChargeRequest, settings: &TerminalSettings) -> Result<Apdu, CommandError> {
    let mut data = settings.password.packed().to_vec();
    data.extend(amount(request.amount, settings)?);
    Ok(Apdu::new(TILL, 0x31, data))
}

fn reverse(request: ReversalRequest, settings: &TerminalSettings) -> Result<Apdu, CommandError> {
    let receipt_no = bcd::encode::<2>(u64::from(request.receipt_no))
        .ok_or(CommandError::ReceiptNumber { receipt_no: request.receipt_no })?;
    let mut data = settings.password.packed().to_vec();
    data.push(bmp::RECEIPT);
    data.extend(receipt_no);
    if settings.profile.reversal_names_amount {
        data.extend(amount(request.amount, settings)?);
    }
    Ok(Apdu::new(TILL, 0x30, data))
}

fn set_clock(time: LocalTime) -> Result<Apdu, CommandError> {
    let in_range = (1..=12).contains(&time.month)
        && (1..=31).contains(&time.day)
        && time.hour < 24
        && time.minute < 60
        && time.second < 60;
    let digits = |high, middle, low| bcd::encode::<3>((high * 100 + middle) * 100 + low);
    let date = digits(u64::from(time.year % 100), u64::from(time.month), u64::from(time.day));
    let clock = digits(u64::from(time.hour), u64::from(time.minute), u64::from(time.second));
    match (in_range, date, clock) {
        (true, Some(date), Some(clock)) => {
            let data = [&[bmp::DATE_WITH_YEAR][..], &date, &[bmp::TIME], &clock].concat();
            Ok(Apdu::new(TILL, 0x91, data))
        }
        _ => Err(CommandError::Time { time }),
    }
}

fn amount(money: super::super::money::Money, settings: &TerminalSettings) -> Result<Vec<u8>, CommandError> {
    if money.currency != settings.currency {
        return Err(CommandError::Currency { asked: money.currency, terminal: settings.currency });
    }
    let packed = u64::try_from(money.minor).ok().filter(|minor| *minor > 0).and_then(bcd::encode::<6>);
    let packed = packed.ok_or(CommandError::Amount { minor: money.minor })?;
    Ok([&[bmp::AMOUNT][..], &packed].concat())
}

fn currency(settings: &TerminalSettings) -> [u8; 2] {
    bcd::encode(u64::from(settings.currency.number())).expect("a currency number has three digits")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::terminal::codec::captures::bytes;
    use crate::terminal::money::{Currency, Money};
    use crate::terminal::profile::{Password, Profile};

    fn plain() -> TerminalSettings {
        TerminalSettings { profile: Profile::named("plain").unwrap(), ..TerminalSettings::standard() }
    }

    fn encoded(command: &Command, settings: &TerminalSettings) -> Vec<u8> {
        encode(command, settings).unwrap().encode()
    }

    fn charge_of(minor: i64) -> Command {
        Command::Charge(ChargeRequest { amount: Money::eur(minor) })
    }

    #[test]
    fn registration_is_the_published_example() {
        let registration = encoded(&Command::Register, &TerminalSettings::standard());
        assert_eq!(registration, bytes("06 00 10 00 00 00 BE 09 78 03 01 06 06 26 04 0A 02 06 D3"));
        assert_eq!(encoded(&Command::Register, &plain()), bytes("06 00 06 00 00 00 30 09 78"));
    }

    #[test]
    fn a_charge_names_amount_currency_and_how_often_we_may_ask_for_time() {
        let standard = TerminalSettings::standard();
        assert_eq!(encoded(&charge_of(2500), &standard), bytes("06 01 0C 04 000000002500 49 0978 02 0A"));
        assert_eq!(encoded(&charge_of(2500), &plain()), bytes("06 01 0A 04 000000002500 49 0978"));
    }

    #[test]
    fn the_other_commands_have_their_published_form() {
        let settings =
            TerminalSettings { password: Password::new("123456").unwrap(), ..TerminalSettings::standard() };
        let reversal = ReversalRequest { receipt_no: 231, amount: Money::eur(2500) };
        let time = LocalTime { year: 2026, month: 3, day: 9, hour: 7, minute: 5, second: 59 };
        for (command, expected) in [
            (Command::Reverse(reversal), "06 30 06 123456 87 0231"),
            (Command::Refund(ChargeRequest { amount: Money::eur(1) }), "06 31 0A 123456 04 000000000001"),
            (Command::RepeatReceipt, "06 20 03 123456"),
            (Command::Status, "05 01 03 123456"),
            (Command::Totals, "06 10 03 123456"),
            (Command::PrintTotals, "06 12 03 123456"),
            (Command::EndOfDay, "06 50 03 123456"),
            (Command::Initialise, "06 93 03 123456"),
            (Command::Diagnosis, "06 70 00"),
            (Command::SetClock(time), "06 91 08 AA 260309 0C 070559"),
            (Command::Reset, "06 18 00"),
            (Command::LogOff, "06 02 00"),
        ] {
            assert_eq!(encoded(&command, &settings), bytes(expected), "{command:?}");
        }
        assert_eq!(abort().encode(), bytes("06 B0 00"));
    }

    #[test]
    fn a_reversal_names_the_amount_where_the_profile_asks() {
        let mut settings = TerminalSettings::standard();
        settings.profile.reversal_names_amount = true;
        let reversal = Command::Reverse(ReversalRequest { receipt_no: 7, amount: Money::eur(950) });
        assert_eq!(encoded(&reversal, &settings), bytes("06 30 0D 000000 87 0007 04 000000000950"));
    }

    #[test]
    fn what_the_protocol_cannot_carry_is_refused_before_a_byte_leaves() {
        let settings = TerminalSettings::standard();
        for minor in [0, -1, 1_000_000_000_000] {
            assert_eq!(encode(&charge_of(minor), &settings), Err(CommandError::Amount { minor }));
        }
        let francs = ChargeRequest { amount: Money { minor: 100, currency: Currency::CHF } };
        let refused = CommandError::Currency { asked: Currency::CHF, terminal: Currency::EUR };
        assert_eq!(encode(&Command::Charge(francs), &settings), Err(refused));
        let reversal = ReversalRequest { receipt_no: 10_000, amount: Money::eur(1) };
        assert!(encode(&Command::Reverse(reversal), &settings).is_err());
        let time = LocalTime { year: 2026, month: 13, day: 1, hour: 0, minute: 0, second: 0 };
        assert!(encode(&Command::SetClock(time), &settings).is_err());
    }
}
