//! What the devices last said of themselves. They say it once, when it changes; a core that begins anew in the same
//! process, after its store had failed, hears it again.

use std::mem::discriminant;

use domain::Input;
use domain::input::{
    DrawerInput, KitchenInput, LastAnswer, PrinterInput, ScannerInput, TerminalInput, UplinkInput, VoiceInput,
};

/// The newest of each device, in the order they were told.
#[derive(Clone, Debug, Default)]
pub struct Standing(Vec<Input>);

impl Standing {
    /// One that has heard this already.
    pub fn of(input: &Input) -> Self {
        let mut standing = Self::default();
        standing.note(input);
        standing
    }

    /// Remembers what an input says about a device, if it does.
    pub(super) fn note(&mut self, input: &Input) {
        let told = match input {
            // What it remembers may be outdated when it is told again, so that is asked for.
            Input::Terminal(TerminalInput::Ready { .. }) => {
                Input::Terminal(TerminalInput::Ready { last: LastAnswer::NoAnswer })
            }
            Input::Terminal(TerminalInput::Down { .. })
            | Input::Printer(PrinterInput::Condition(_))
            | Input::Kitchen(KitchenInput::Reachable(_))
            | Input::Scanner(ScannerInput::Present(_))
            | Input::Drawer(DrawerInput::Opened | DrawerInput::Closed)
            | Input::Voice(VoiceInput::Available(_))
            | Input::Uplink(UplinkInput::Online | UplinkInput::Offline { .. } | UplinkInput::Claim(_)) => {
                input.clone()
            }
            Input::Terminal(_)
            | Input::Printer(_)
            | Input::Kitchen(_)
            | Input::Scanner(_)
            | Input::Drawer(_)
            | Input::Voice(_)
            | Input::Uplink(UplinkInput::Denied { .. } | UplinkInput::Quota(_))
            | Input::Started
            | Input::Tick
            | Input::Intent(_)
            | Input::Machine(_)
            | Input::Command(_) => return,
        };
        self.0.retain(|known| discriminant(known) != discriminant(&told));
        self.0.push(told);
    }

    /// All of it, as the devices would say it now.
    pub(super) fn inputs(&self) -> Vec<Input> {
        self.0.clone()
    }
}

#[cfg(test)]
mod tests {
    use domain::input::PrinterCondition;

    use super::*;

    #[test]
    fn the_newest_of_each_kind_is_told_again_and_a_terminals_memory_is_not_believed() {
        let mut standing = Standing::default();
        assert!(standing.inputs().is_empty());
        for input in [
            Input::Scanner(ScannerInput::Present(true)),
            Input::Terminal(TerminalInput::Ready { last: LastAnswer::Empty }),
            Input::Printer(PrinterInput::Condition(PrinterCondition::PaperOut)),
            Input::Scanner(ScannerInput::Goods("4006381333931".into())),
            Input::Printer(PrinterInput::Condition(PrinterCondition::Ready)),
        ] {
            standing.note(&input);
        }
        assert_eq!(
            standing.inputs(),
            [
                Input::Scanner(ScannerInput::Present(true)),
                Input::Terminal(TerminalInput::Ready { last: LastAnswer::NoAnswer }),
                Input::Printer(PrinterInput::Condition(PrinterCondition::Ready)),
            ]
        );
        standing.note(&Input::Terminal(TerminalInput::Down { why: "unplugged".into() }));
        assert_eq!(standing.inputs().len(), 3);
        assert!(matches!(standing.inputs()[2], Input::Terminal(TerminalInput::Down { .. })));
    }
}
