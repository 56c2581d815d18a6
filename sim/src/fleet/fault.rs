//! What can go wrong with kiosks of a crowd, and how it is ordered.

use std::str::FromStr;
use std::time::Duration;

/// How long a kiosk is frozen unless told otherwise.
const FROZEN: Duration = Duration::from_secs(10);

/// The words of all orders, for people.
pub const HELP: &str = "\
  storm [KIOSKS]              they lose their connections and connect again at once
  freeze [KIOSKS [SECONDS]]   they neither read nor send for so long; the connection stays open
  clone [KIOSKS]              another machine with a copy of their disk goes on: a fork
  topic [KIOSKS]              they publish on another kiosk's topic; the broker refuses
  expired [KIOSKS]            they connect with a certificate that has expired; refused
  gap [KIOSKS]                their next batch begins too late; the fleet says what it expects
  poison [KIOSKS]             they send bytes that are no batch, and an event of no known kind
  stop                        no more sales; what waits is handed over, then the end
KIOSKS: a number or all. Not given: all of a storm, else one.";

/// A fault of one kiosk.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// It loses its connection and connects again at once.
    Storm,
    /// It neither reads nor sends for so long.
    Freeze(Duration),
    /// A copy of it goes on.
    Clone,
    /// It publishes on another kiosk's topic.
    Topic,
    /// It connects with an expired certificate.
    Expired,
    /// Its next batch leaves out its first event.
    Gap,
    /// It sends what nobody understands.
    Poison,
}

/// What a crowd is told while it runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Order {
    /// A fault of so many kiosks; `None`: of all.
    Fault(Fault, Option<u32>),
    /// Selling is over.
    Stop,
}

/// A text is no order.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0:?} is none of:\n{HELP}")]
pub struct NoOrder(String);

impl FromStr for Order {
    type Err = NoOrder;

    fn from_str(text: &str) -> Result<Self, NoOrder> {
        let wrong = || NoOrder(text.to_owned());
        let words: Vec<&str> = text.split_whitespace().collect();
        let (verb, rest) = words.split_first().ok_or_else(wrong)?;
        let (kiosks, seconds) = match rest {
            [] => (None, None),
            [kiosks] => (Some(*kiosks), None),
            [kiosks, seconds] if *verb == "freeze" => (Some(*kiosks), Some(*seconds)),
            _ => return Err(wrong()),
        };
        let fault = match *verb {
            "storm" => Fault::Storm,
            "freeze" => {
                let given = seconds.map(|seconds| seconds.parse().map(Duration::from_secs));
                Fault::Freeze(given.transpose().map_err(|_| wrong())?.unwrap_or(FROZEN))
            }
            "clone" => Fault::Clone,
            "topic" => Fault::Topic,
            "expired" => Fault::Expired,
            "gap" => Fault::Gap,
            "poison" => Fault::Poison,
            "stop" if rest.is_empty() => return Ok(Self::Stop),
            _ => return Err(wrong()),
        };
        let kiosks = match kiosks {
            Some("all") => None,
            None if fault == Fault::Storm => None,
            None => Some(1),
            Some(number) => Some(number.parse().ok().filter(|number| *number > 0).ok_or_else(wrong)?),
        };
        Ok(Self::Fault(fault, kiosks))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_are_read_and_every_word_of_the_help_is_one() {
        let read = |text: &str| text.parse::<Order>();
        assert_eq!(read("storm"), Ok(Order::Fault(Fault::Storm, None)));
        assert_eq!(read("clone all"), Ok(Order::Fault(Fault::Clone, None)));
        assert_eq!(read(" freeze 3  5 "), Ok(Order::Fault(Fault::Freeze(Duration::from_secs(5)), Some(3))));
        for text in ["", "sing", "gap 0", "gap x", "gap 1 2", "stop 1", "freeze 1 x"] {
            assert!(read(text).is_err(), "{text}");
        }
        for line in HELP.lines().filter(|line| line.starts_with("  ")) {
            read(line.split_whitespace().next().unwrap()).unwrap();
        }
    }
}
