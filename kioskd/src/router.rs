//! From the core's effects to the queues of the device actors. Never waits: what a device cannot take now
//! comes back as an input of the next turn, so no cycle of queues can block.

use std::sync::Arc;
use std::sync::mpsc::SyncSender;

use domain::View;
use domain::effect::{
    DisplayEffect, DrawerEffect, Effect, KitchenEffect, PrinterEffect, TerminalEffect, VoiceEffect,
};
use domain::input::{DrawerInput, Input, KitchenInput, LastAnswer, PrinterInput, TerminalInput, VoiceInput};
use domain::spoken::Failure;
use domain::view::Page;
use tokio::sync::mpsc::Sender;
use tokio::sync::watch;
use ui::shell::UiHandle;

use crate::board::Board;
use crate::core::Outside;
use crate::uplink::UplinkHandle;

/// Jobs a device may have waiting. The core has at most one charge and one print job under way; the rest is
/// room for a reversal, a display text and a drawer pulse at the same time.
pub const DEVICE_QUEUE: usize = 16;

/// The queues of the actors; `None` where a device is not configured.
#[derive(Default)]
pub struct Queues {
    /// Payment terminal.
    pub terminal: Option<Sender<TerminalEffect>>,
    /// Receipt printer.
    pub printer: Option<Sender<PrinterJob>>,
    /// Kitchen printer.
    pub kitchen: Option<Sender<KitchenEffect>>,
    /// Line display.
    pub display: Option<Sender<DisplayEffect>>,
    /// The light at the terminal: whether it shines.
    pub light: Option<watch::Sender<bool>>,
    /// The microphone.
    pub voice: Option<SyncSender<VoiceEffect>>,
}

/// What the receipt printer does: it also opens the drawer that hangs on it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum PrinterJob {
    /// Print.
    Print(PrinterEffect),
    /// Open the drawer.
    Drawer(DrawerEffect),
}

/// The outside of the core.
pub struct Router {
    /// Device queues.
    pub queues: Queues,
    /// Whoever waits for a device or the fleet.
    pub board: Board,
    /// The screen.
    pub screen: UiHandle<View>,
    /// The fleet, if there is one.
    pub uplink: Option<UplinkHandle>,
}

impl Outside for Router {
    fn dispatch(&mut self, effect: Effect) -> Option<Input> {
        match effect {
            Effect::Terminal(effect) => offer(self.queues.terminal.as_ref(), effect, terminal_busy),
            Effect::Printer(effect) => {
                offer(self.queues.printer.as_ref(), PrinterJob::Print(effect), printer_busy)
            }
            Effect::Drawer(effect) => {
                offer(self.queues.printer.as_ref(), PrinterJob::Drawer(effect), printer_busy)
            }
            Effect::Kitchen(effect) => offer(self.queues.kitchen.as_ref(), effect, |effect| match effect {
                KitchenEffect::Dispatch { job, .. } => Some(Input::Kitchen(KitchenInput::NotTaken { job })),
            }),
            // A display has no answer and is repainted anyway.
            Effect::Display(effect) => offer(self.queues.display.as_ref(), effect, |_| None),
            Effect::Voice(effect) => self.voice(effect),
            Effect::CheckAgain => {
                self.board.look_again();
                None
            }
            Effect::Reserve { question, epoch, goods } => {
                if let Some(uplink) = &self.uplink {
                    uplink.reserve(question, epoch, &goods);
                }
                None
            }
            Effect::CallStaff { about } => {
                tracing::warn!(%about, "staff is called");
                None
            }
        }
    }

    fn show(&mut self, view: Arc<View>) {
        if let Some(light) = &self.queues.light {
            let on = matches!(view.page, Page::AtTerminal(_));
            light.send_if_modified(|was| std::mem::replace(was, on) != on);
        }
        self.screen.publish(view);
    }
}

impl Router {
    /// A Listen that nobody takes is over; a Close that nobody takes ends with the longest utterance.
    fn voice(&self, effect: VoiceEffect) -> Option<Input> {
        let taken = self.queues.voice.as_ref().is_some_and(|queue| queue.try_send(effect.clone()).is_ok());
        match effect {
            VoiceEffect::Listen { turn, .. } if !taken => {
                Some(Input::Voice(VoiceInput::Failed { turn, why: Failure::Gone }))
            }
            VoiceEffect::Listen { .. } | VoiceEffect::Release { .. } | VoiceEffect::Close { .. } => None,
        }
    }
}

fn offer<T>(queue: Option<&Sender<T>>, effect: T, busy: impl FnOnce(T) -> Option<Input>) -> Option<Input> {
    match queue {
        None => busy(effect),
        Some(queue) => queue.try_send(effect).map_or_else(|error| busy(error.into_inner()), |()| None),
    }
}

/// The terminal's queue is full, or there is no terminal: nothing was sent.
pub(crate) fn terminal_busy(effect: TerminalEffect) -> Option<Input> {
    let why = "the terminal's queue does not take it";
    let input = match effect {
        TerminalEffect::Charge { payment, .. } => {
            TerminalInput::Lost { payment, nothing_sent: true, why: why.into() }
        }
        TerminalEffect::AcceptResult { payment }
        | TerminalEffect::RefuseGoods { payment }
        | TerminalEffect::Reverse { payment, .. } => {
            TerminalInput::Lost { payment, nothing_sent: false, why: why.into() }
        }
        TerminalEffect::Abort { payment } => TerminalInput::AbortRefused { payment },
        TerminalEffect::QueryLast { question } => {
            TerminalInput::Last { question, answer: LastAnswer::NoAnswer }
        }
        TerminalEffect::EndOfDay => return None,
    };
    Some(Input::Terminal(input))
}

fn printer_busy(job: PrinterJob) -> Option<Input> {
    Some(match job {
        PrinterJob::Print(PrinterEffect::Print { receipt, .. }) => {
            Input::Printer(PrinterInput::NotStarted { receipt })
        }
        PrinterJob::Drawer(DrawerEffect::Kick) => Input::Drawer(DrawerInput::DidNotOpen),
    })
}
