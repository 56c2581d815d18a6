//! What the devices last said of themselves. They say it once, when it changes; a core that begins anew in the same
//! process, after its store had failed, hears it again.

use domain::Input;
use domain::input::{DrawerInput, KitchenInput, LastAnswer, PrinterInput, ScannerInput, TerminalInput};

/// The newest of each kind.
#[derive(Clone, Debug, Default)]
pub struct Standing {
    terminal: Option<TerminalInput>,
    printer: Option<PrinterInput>,
    kitchen: Option<KitchenInput>,
    scanner: Option<ScannerInput>,
    drawer: Option<DrawerInput>,
    uplink: Option<domain::input::UplinkInput>,
}

impl Standing {
    /// Remembers what an input says about a device, if it does.
    pub(super) fn note(&mut self, input: &Input) {
        match input {
            // What it remembers may be outdated when it is told again, so that is asked for.
            Input::Terminal(TerminalInput::Ready { .. }) => {
                self.terminal = Some(TerminalInput::Ready { last: LastAnswer::NoAnswer });
            }
            Input::Terminal(down @ TerminalInput::Down { .. }) => self.terminal = Some(down.clone()),
            Input::Printer(condition @ PrinterInput::Condition(_)) => self.printer = Some(condition.clone()),
            Input::Kitchen(reachable @ KitchenInput::Reachable(_)) => self.kitchen = Some(reachable.clone()),
            Input::Scanner(present @ ScannerInput::Present(_)) => self.scanner = Some(present.clone()),
            Input::Drawer(moved @ (DrawerInput::Opened | DrawerInput::Closed)) => self.drawer = Some(*moved),
            Input::Uplink(uplink) => self.uplink = Some(*uplink),
            Input::Terminal(_)
            | Input::Printer(_)
            | Input::Kitchen(_)
            | Input::Scanner(_)
            | Input::Drawer(_)
            | Input::Started
            | Input::Tick
            | Input::Intent(_)
            | Input::Command(_) => {}
        }
    }

    /// All of it, as the devices would say it now.
    pub(super) fn inputs(&self) -> Vec<Input> {
        [
            self.terminal.clone().map(Input::Terminal),
            self.printer.clone().map(Input::Printer),
            self.kitchen.clone().map(Input::Kitchen),
            self.scanner.clone().map(Input::Scanner),
            self.drawer.map(Input::Drawer),
            self.uplink.map(Input::Uplink),
        ]
        .into_iter()
        .flatten()
        .collect()
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
                Input::Terminal(TerminalInput::Ready { last: LastAnswer::NoAnswer }),
                Input::Printer(PrinterInput::Condition(PrinterCondition::Ready)),
                Input::Scanner(ScannerInput::Present(true)),
            ]
        );
        standing.note(&Input::Terminal(TerminalInput::Down { why: "unplugged".into() }));
        assert!(matches!(standing.inputs()[0], Input::Terminal(TerminalInput::Down { .. })));
    }
}
