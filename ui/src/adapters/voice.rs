//! Ordering by voice: the button's two moments go out, what was understood comes in.

use std::rc::Rc;

use domain::Intent;
use domain::intent::VoiceIntent;
use domain::spoken::Hint;
use domain::view::{VoiceAsks, VoiceState, VoiceView};
use slint::{Global, SharedString};

use super::order::details;
use super::rows::Rows;
use super::{Context, IntentSender, integer};
use crate::pages::{Actions, MainWindow, VoiceAdapter, VoiceHint, VoiceLine, VoiceMode};

pub(super) struct Adapter {
    lines: Rows<VoiceLine>,
    answers: Rows<SharedString>,
}

impl Adapter {
    pub fn connect(window: &MainWindow, send: &IntentSender) -> Self {
        let adapter = Self { lines: Rows::default(), answers: Rows::default() };
        let page = VoiceAdapter::get(window);
        page.set_lines(adapter.lines.model());
        page.set_answers(adapter.answers.model());
        let simple = |intent: VoiceIntent| {
            let send = Rc::clone(send);
            move || send(Intent::Voice(intent))
        };
        let numbered = |intent: fn(u32) -> VoiceIntent| {
            let send = Rc::clone(send);
            move |number: i32| send(Intent::Voice(intent(number.unsigned_abs())))
        };
        page.on_press(simple(VoiceIntent::Press));
        page.on_release(simple(VoiceIntent::Release));
        page.on_none(simple(VoiceIntent::NoneOfThese));
        page.on_add(simple(VoiceIntent::Add));
        page.on_drop(simple(VoiceIntent::Drop));
        page.on_choose(numbered(VoiceIntent::Choose));
        page.on_remove(numbered(VoiceIntent::Remove));
        Actions::get(window).on_speak(simple(VoiceIntent::Begin));
        adapter
    }

    pub fn apply(&self, context: &Context, voice: Option<&VoiceView>) {
        let page = VoiceAdapter::get(context.window);
        page.set_shown(voice.is_some());
        let state = voice.map_or(VoiceState::Closed, |voice| voice.state);
        let (mode, level) = match state {
            VoiceState::Closed => (VoiceMode::Closed, 0),
            VoiceState::Opening => (VoiceMode::Opening, 0),
            VoiceState::Listening { level, hands_free: false } => (VoiceMode::Listening, level),
            VoiceState::Listening { level, hands_free: true } => (VoiceMode::HandsFree, level),
            VoiceState::Recognising => (VoiceMode::Recognising, 0),
        };
        page.set_mode(mode);
        page.set_level(level.into());
        page.set_hint(hint(voice.and_then(|voice| voice.hint)));
        let lines = voice.map(|voice| voice.lines.as_slice()).unwrap_or_default();
        self.lines.show(lines.iter().map(|line| VoiceLine {
            id: integer(line.id),
            name: context.words().invoke_times(integer(line.quantity), line.name.as_ref().into()),
            details: details(context, &line.details).into(),
            total: context.money(line.total),
            unsure: line.unsure,
        }));
        page.set_total(voice.map(|voice| context.money(voice.total)).unwrap_or_default());
        let question = voice.and_then(|voice| voice.question.as_ref());
        page.set_question(question.map(|asked| asks(context, &asked.kind)).unwrap_or_default());
        let answers = question.map(|asked| asked.answers.as_slice()).unwrap_or_default();
        self.answers.show(answers.iter().map(|answer| answer.as_ref().into()));
    }
}

fn asks(context: &Context, kind: &VoiceAsks) -> SharedString {
    let words = context.words();
    match kind {
        VoiceAsks::Item => words.invoke_voice_which(),
        VoiceAsks::Quantity => words.invoke_voice_how_many(),
        VoiceAsks::Size(name) => words.invoke_voice_size(name.as_ref().into()),
        VoiceAsks::Choice(asked) => asked.as_ref().into(),
    }
}

fn hint(hint: Option<Hint>) -> VoiceHint {
    match hint {
        None => VoiceHint::None,
        Some(Hint::Example) => VoiceHint::Example,
        Some(Hint::Silence) => VoiceHint::Silence,
        Some(Hint::SayAgain) => VoiceHint::SayAgain,
        Some(Hint::UseTouch) => VoiceHint::UseTouch,
        Some(Hint::TooMany) => VoiceHint::TooMany,
        Some(Hint::Gone) => VoiceHint::Gone,
    }
}
