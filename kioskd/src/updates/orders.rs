//! What the fleet orders, opened with the campaign keys. What is not to be obeyed is told once and forgotten.

use ota::Hash;
use ota::agent::Input;
use ota::orders::{Action, Assignment, HaltOrder, OrderError, Window, open};
use ota::trust::sign::PublicKey;

use super::inbox::Heard;

/// How the assignment that is in force wants to be done.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Terms {
    /// Of this wish.
    pub(super) generation: u64,
    /// It is the kiosk's turn to leave what runs.
    pub(super) turn: bool,
    /// When.
    pub(super) window: Option<Window>,
    /// Bytes a second at most, in 1,000.
    pub(super) rate_kb: Option<u32>,
}

impl Terms {
    /// Of what somebody has brought: they stand there.
    pub(super) fn of_a_person(generation: u64) -> Self {
        Self { generation, turn: true, window: None, rate_kb: None }
    }
}

/// Opens documents.
#[derive(Default)]
pub(super) struct Orders {
    complained: Option<Hash>,
}

/// Whom orders are for, and when.
#[derive(Clone, Copy)]
pub(super) struct Reader<'a> {
    /// Who may order.
    pub(super) keys: &'a [PublicKey],
    pub(super) kiosk: &'a str,
    /// s since 1970.
    pub(super) enrolled_s: i64,
    pub(super) now_s: i64,
}

/// What was heard means this.
#[derive(Default)]
pub(super) struct Opened {
    /// First the halt, then the wish.
    pub(super) inputs: Vec<Input>,
    /// Of the wish; `None`: none is in force.
    pub(super) terms: Option<Terms>,
}

impl Orders {
    pub(super) fn open(&mut self, heard: &Heard, reader: Reader<'_>) -> Opened {
        let mut opened = Opened::default();
        if let Some(bytes) = &heard.halt {
            let order = open::<HaltOrder>(bytes, reader.keys);
            opened.inputs.extend(self.obeyed("halt", bytes, order).map(|order| order.input()));
        }
        if let Some(bytes) = &heard.assignment {
            let order = open::<Assignment>(bytes, reader.keys);
            let order = order.and_then(|order| {
                let input = order.input(reader.kiosk, reader.enrolled_s, reader.now_s)?;
                Ok((order, input))
            });
            if let Some((order, input)) = self.obeyed("assignment", bytes, order) {
                opened.inputs.push(input);
                opened.terms = terms(&order);
            }
        }
        opened
    }

    fn obeyed<T>(&mut self, what: &str, bytes: &[u8], order: Result<T, OrderError>) -> Option<T> {
        match order {
            Ok(order) => Some(order),
            Err(error) => {
                let hash = ota::sha256(bytes);
                if self.complained.replace(hash) != Some(hash) {
                    tracing::warn!(%error, what, "an order of the fleet is not obeyed");
                }
                None
            }
        }
    }
}

fn terms(order: &Assignment) -> Option<Terms> {
    match order.action {
        Action::Install { turn, window, rate_kb, .. } => {
            Some(Terms { generation: order.generation, turn, window, rate_kb })
        }
        Action::Cancel => None,
    }
}
