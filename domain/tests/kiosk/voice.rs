//! Ordering by voice: when the microphone may be open, and that nothing counts before it was shown and agreed to.

use std::collections::BTreeSet;

use domain::effect::VoiceEffect;
use domain::ids::{GroupId, ItemId, ModifierId, VariationId};
use domain::input::VoiceInput;
use domain::intent::{CartIntent, Intent, PayIntent, VoiceIntent};
use domain::kiosk::Refusal;
use domain::order::Channel;
use domain::spoken::{
    Act, Command, DRAFT_LINES_MAX, Doubt, Failure, HINT_MS, Hint, LISTEN_MS_MAX, Line, Op, OpKind,
    RECOGNISE_MS_MAX, SOUND_MS, Said, Scene, TAP_MS, Target,
};
use domain::text::Lang;
use domain::view::{Overlay, Page, VoiceState, VoiceView};
use domain::{Effect, Input, KioskConfig};

use crate::fixture;
use crate::world::World;

/// Somebody at the menu of a kiosk that hears.
fn hearing() -> World {
    let mut w = World::with(KioskConfig { voice: Some(Lang::new("en")), ..fixture::config() });
    w.feed(Input::Voice(VoiceInput::Available(true)));
    w.at_menu();
    w.take_effects();
    w
}

fn voice(w: &mut World, intent: VoiceIntent) {
    w.intent(Intent::Voice(intent));
}

fn shown(w: &World) -> VoiceView {
    w.view().voice.expect("the menu shows something of the voice")
}

/// The button is held for a second.
fn hold(w: &mut World) -> u32 {
    voice(w, VoiceIntent::Press);
    let turn = listens(w).expect("the microphone opens");
    w.feed(Input::Voice(VoiceInput::Level { turn, level: 5 }));
    w.jump(1_000);
    voice(w, VoiceIntent::Release);
    w.feed(Input::Voice(VoiceInput::Over { turn }));
    turn
}

fn listens(w: &mut World) -> Option<u32> {
    effects(w).into_iter().find_map(|effect| match effect {
        VoiceEffect::Listen { turn, .. } => Some(turn),
        VoiceEffect::Release { .. } | VoiceEffect::Close { .. } => None,
    })
}

fn effects(w: &mut World) -> Vec<VoiceEffect> {
    let voice = |effect| if let Effect::Voice(effect) = effect { Some(effect) } else { None };
    w.take_effects().into_iter().filter_map(voice).collect()
}

/// Says it, certain of it.
fn say(w: &mut World, acts: Vec<Act>) {
    say_with(w, acts, None);
}

fn say_with(w: &mut World, acts: Vec<Act>, doubt: Option<Doubt>) {
    let turn = hold(w);
    w.feed(Input::Voice(VoiceInput::Heard { turn, said: Said { acts, doubt } }));
}

fn line(item: &str, quantity: u32) -> Line {
    Line { item: ItemId::new(item), quantity, size: None, ops: Vec::new(), picks: Vec::new() }
}

fn sized(item: &str, quantity: u32, size: &str) -> Line {
    Line { size: Some(VariationId::new(size)), ..line(item, quantity) }
}

fn op(kind: OpKind, group: &str, modifier: &str) -> Op {
    Op { kind, options: BTreeSet::from([(GroupId::new(group), ModifierId::new(modifier))]) }
}

fn add(item: &str, quantity: u32) -> Act {
    Act::Add(line(item, quantity))
}

fn draft(w: &World) -> Vec<String> {
    let of_line = |line: &domain::view::VoiceLine| {
        let details: Vec<String> = line.details.iter().map(|d| format!("{:?} {}", d.style, d.name)).collect();
        format!("{} {} [{}]", line.quantity, line.name, details.join(", "))
    };
    w.view().voice.map(|voice| voice.lines.iter().map(of_line).collect()).unwrap_or_default()
}

/// A way away from the menu.
type Leave = fn(&mut World);

fn cart_count(w: &World) -> u32 {
    w.view().cart.count
}

#[test]
fn what_was_said_is_shown_first_and_counts_when_it_is_agreed_to() {
    let mut w = hearing();
    let burger = Line {
        ops: vec![op(OpKind::No, "without", "onion"), op(OpKind::Extra, "extra", "bacon")],
        ..sized("burger", 2, "burger-2")
    };
    say(&mut w, vec![Act::Add(burger), add("cola", 1)]);
    assert_eq!(
        draft(&w),
        ["2 burger, Double [Extra bacon, Without onion]", "1 cola [Extra bottle]"],
        "{:?}",
        shown(&w)
    );
    assert_eq!(cart_count(&w), 0, "nothing counts yet");
    // 2 × (11.90 + 1.50) and a cola of 3.50 with its bottle.
    assert_eq!(shown(&w).total.0, 2 * 1_340 + 375);
    voice(&mut w, VoiceIntent::Add);
    assert_eq!((cart_count(&w), w.view().cart.total.0), (3, 2 * 1_340 + 375));
    assert_eq!(w.view().voice, None, "the draft is gone");
    w.cart(CartIntent::Show);
    w.cart(CartIntent::Checkout);
    assert_eq!(w.order().order.channel, Channel::Voice);
}

#[test]
fn a_dropped_draft_and_a_dropped_line_leave_nothing() {
    let mut w = hearing();
    say(&mut w, vec![add("juice", 1), add("cola", 2)]);
    let first = shown(&w).lines[0].id;
    voice(&mut w, VoiceIntent::Remove(first));
    assert_eq!(draft(&w), ["2 cola [Extra bottle]"]);
    voice(&mut w, VoiceIntent::Drop);
    assert_eq!((cart_count(&w), w.view().voice), (0, None));
}

#[test]
fn the_microphone_opens_on_the_menu_only_and_closes_with_it() {
    let mut w = World::with(KioskConfig { voice: Some(Lang::new("en")), ..fixture::config() });
    voice(&mut w, VoiceIntent::Press);
    assert!(listens(&mut w).is_none(), "nobody is there");
    w.intent(Intent::Start);
    voice(&mut w, VoiceIntent::Press);
    assert_eq!(w.refusal, Some(Refusal::NotNow), "not on the first page");
    w.at_menu();
    voice(&mut w, VoiceIntent::Press);
    assert_eq!(w.refusal, Some(Refusal::NotNow), "there is no microphone");
    w.feed(Input::Voice(VoiceInput::Available(true)));
    let leave: [(&str, Leave); 7] = [
        ("an item", |w| w.intent(Intent::OpenItem(ItemId::new("burger")))),
        ("the cart", |w| w.cart(CartIntent::Show)),
        ("a sheet", |w| w.intent(Intent::ShowLanguages)),
        ("a category", |w| w.intent(Intent::OpenCategory(domain::ids::CategoryId::new("drinks")))),
        ("another language", |w| w.intent(Intent::SetLanguage(Lang::new("de")))),
        ("the end of the visit", |w| w.intent(Intent::EndVisit)),
        ("a broken microphone", |w| w.feed(Input::Voice(VoiceInput::Available(false)))),
    ];
    for (what, leave) in leave {
        w.intent(Intent::EndVisit);
        w.intent(Intent::Start);
        w.at_menu();
        w.feed(Input::Voice(VoiceInput::Available(true)));
        w.take_effects();
        voice(&mut w, VoiceIntent::Press);
        let turn = listens(&mut w).unwrap_or_else(|| panic!("before {what}"));
        assert_eq!(w.kiosk.listening(), Some(turn));
        leave(&mut w);
        assert_eq!(w.kiosk.listening(), None, "{what}");
        assert_eq!(effects(&mut w), [VoiceEffect::Close { turn }], "{what}");
    }
}

#[test]
fn paying_leaves_no_microphone_open_and_asks_about_a_forgotten_draft_first() {
    let mut w = hearing();
    say(&mut w, vec![add("juice", 1)]);
    voice(&mut w, VoiceIntent::Add);
    say(&mut w, vec![add("cola", 1)]);
    w.cart(CartIntent::Show);
    w.cart(CartIntent::Checkout);
    assert_eq!(w.page(), "menu", "the draft is shown again");
    assert_eq!(draft(&w).len(), 1);
    voice(&mut w, VoiceIntent::Drop);
    w.cart(CartIntent::Show);
    w.cart(CartIntent::Checkout);
    assert_eq!(w.page(), "pay-choose");
    voice(&mut w, VoiceIntent::Press);
    assert_eq!((w.refusal.clone(), w.kiosk.listening()), (Some(Refusal::NotNow), None));
    w.pay(PayIntent::Confirm);
    voice(&mut w, VoiceIntent::Press);
    assert_eq!((w.refusal.clone(), w.kiosk.listening()), (Some(Refusal::NotNow), None));
}

#[test]
fn nothing_is_paid_or_thrown_away_by_voice() {
    let mut w = hearing();
    say(&mut w, vec![add("juice", 1)]);
    say(&mut w, vec![Act::Command(Command::Pay)]);
    assert_eq!(w.page(), "menu", "with a draft nobody is led away from it");
    say(&mut w, vec![Act::Command(Command::Yes)]);
    assert_eq!(cart_count(&w), 1);
    say(&mut w, vec![Act::Command(Command::StartOver)]);
    assert_eq!(w.view().overlay, Some(Overlay::ConfirmCancel));
    w.intent(Intent::CloseOverlay);
    say(&mut w, vec![Act::Remove(Target::All, None)]);
    assert_eq!(w.view().overlay, Some(Overlay::ConfirmCancel));
    w.intent(Intent::CloseOverlay);
    say(&mut w, vec![Act::Command(Command::Pay)]);
    assert_eq!(w.page(), "cart", "the sum is shown; paying is touched");
    assert_eq!(cart_count(&w), 1);
}

#[test]
fn a_held_button_ends_with_its_release_and_a_tapped_one_with_the_next_tap() {
    let mut w = hearing();
    voice(&mut w, VoiceIntent::Press);
    let turn = listens(&mut w).unwrap();
    assert_eq!(shown(&w).state, VoiceState::Opening, "no sound has arrived");
    w.feed(Input::Voice(VoiceInput::Level { turn, level: 3 }));
    assert_eq!(shown(&w).state, VoiceState::Listening { level: 3, hands_free: false });
    w.jump(TAP_MS);
    voice(&mut w, VoiceIntent::Release);
    assert_eq!(effects(&mut w), [VoiceEffect::Release { turn }]);
    w.feed(Input::Voice(VoiceInput::Over { turn }));
    assert_eq!((shown(&w).state, effects(&mut w)), (VoiceState::Recognising, vec![]));
    w.feed(Input::Voice(VoiceInput::Failed { turn, why: Failure::NotUnderstood }));

    voice(&mut w, VoiceIntent::Press);
    let turn = listens(&mut w).unwrap();
    w.jump(TAP_MS - 1);
    voice(&mut w, VoiceIntent::Release);
    w.feed(Input::Voice(VoiceInput::Level { turn, level: 0 }));
    assert_eq!(effects(&mut w), [], "it goes on listening");
    assert_eq!(shown(&w).state, VoiceState::Listening { level: 0, hands_free: true });
    voice(&mut w, VoiceIntent::Press);
    voice(&mut w, VoiceIntent::Release);
    assert_eq!(effects(&mut w), [VoiceEffect::Release { turn }]);
}

#[test]
fn every_state_has_an_end_of_its_own() {
    let mut w = hearing();
    voice(&mut w, VoiceIntent::Press);
    let turn = listens(&mut w).unwrap();
    w.pass(SOUND_MS);
    assert_eq!(shown(&w).hint, Some(Hint::Silence), "no sound arrived");
    assert_eq!(effects(&mut w), [VoiceEffect::Close { turn }]);
    w.pass(HINT_MS);
    assert_eq!(w.view().voice, None, "the remark is gone");

    voice(&mut w, VoiceIntent::Press);
    let turn = listens(&mut w).unwrap();
    for _ in 0..LISTEN_MS_MAX / 1_000 {
        w.feed(Input::Voice(VoiceInput::Level { turn, level: 8 }));
        w.pass(1_000);
    }
    assert_eq!(w.kiosk.listening(), None, "however much sound arrives");

    say(&mut w, vec![add("juice", 1)]);
    let turn = hold(&mut w);
    w.pass(RECOGNISE_MS_MAX);
    assert_eq!(shown(&w).state, VoiceState::Closed);
    let said = Said { acts: vec![add("cola", 9)], doubt: None };
    w.feed(Input::Voice(VoiceInput::Heard { turn, said }));
    assert_eq!(draft(&w), ["1 juice []"], "an answer that comes too late is nobody's");
}

#[test]
fn an_answer_to_another_utterance_is_left() {
    let mut w = hearing();
    let old = hold(&mut w);
    w.intent(Intent::OpenItem(ItemId::new("juice")));
    w.intent(Intent::Back);
    voice(&mut w, VoiceIntent::Press);
    let new = listens(&mut w).unwrap();
    assert_ne!(old, new);
    let said = Said { acts: vec![add("cola", 1)], doubt: None };
    w.feed(Input::Voice(VoiceInput::Heard { turn: old, said }));
    w.feed(Input::Voice(VoiceInput::Level { turn: old, level: 8 }));
    assert_eq!((draft(&w), shown(&w).state), (vec![], VoiceState::Opening));
}

#[test]
fn two_failures_lead_to_touch_and_a_success_forgets_them() {
    let mut w = hearing();
    let fail = |w: &mut World| {
        let turn = hold(w);
        w.feed(Input::Voice(VoiceInput::Failed { turn, why: Failure::NotUnderstood }));
        shown(w).hint
    };
    assert_eq!(fail(&mut w), Some(Hint::SayAgain));
    assert_eq!(fail(&mut w), Some(Hint::UseTouch));
    say(&mut w, vec![add("juice", 1)]);
    assert_eq!(shown(&w).hint, None);
    assert_eq!(fail(&mut w), Some(Hint::SayAgain));
    let turn = hold(&mut w);
    w.feed(Input::Voice(VoiceInput::Failed { turn, why: Failure::Gone }));
    assert_eq!(shown(&w).hint, Some(Hint::Gone));
}

#[test]
fn what_could_be_several_things_is_asked_and_answered_by_touch_or_voice() {
    let mut w = hearing();
    let items = ["cola", "juice", "water"].map(ItemId::new).to_vec();
    say_with(&mut w, vec![add("cola", 2)], Some(Doubt::Item(items.clone())));
    assert_eq!((draft(&w), cart_count(&w)), (vec![], 0));
    let question = shown(&w).question.expect("it is asked");
    assert_eq!(question.answers.iter().map(|a| &**a).collect::<Vec<_>>(), ["cola", "juice", "water"]);
    voice(&mut w, VoiceIntent::Choose(1));
    assert_eq!(draft(&w), ["2 juice []"]);
    voice(&mut w, VoiceIntent::Drop);

    say_with(&mut w, vec![add("cola", 2)], Some(Doubt::Item(items)));
    say(&mut w, vec![Act::Command(Command::Choose(3))]);
    assert_eq!(draft(&w), ["2 water []"]);
    voice(&mut w, VoiceIntent::Drop);

    say_with(&mut w, vec![add("juice", 15)], Some(Doubt::Quantity(vec![15, 5])));
    voice(&mut w, VoiceIntent::Choose(7));
    assert_eq!(w.refusal, Some(Refusal::NotNow), "there is no such answer");
    voice(&mut w, VoiceIntent::NoneOfThese);
    assert_eq!(w.view().voice, None);
    say_with(&mut w, vec![add("juice", 15)], Some(Doubt::Quantity(vec![15, 5])));
    voice(&mut w, VoiceIntent::Choose(1));
    assert_eq!(draft(&w), ["5 juice []"]);
}

#[test]
fn a_doubtful_reading_is_marked_and_takes_nothing_away() {
    let mut w = hearing();
    say(&mut w, vec![add("water", 1)]);
    voice(&mut w, VoiceIntent::Add);
    say(&mut w, vec![add("juice", 1)]);
    let water = Target::Item(ItemId::new("water"));
    let acts = vec![add("cola", 1), Act::Remove(water.clone(), None), Act::Command(Command::Yes)];
    say_with(&mut w, acts, Some(Doubt::Reading));
    let unsure: Vec<bool> = shown(&w).lines.iter().map(|line| line.unsure).collect();
    assert_eq!((unsure, cart_count(&w)), (vec![false, true], 1));
    // A draft is seen and agreed to, so it may be changed; what is in the cart may not.
    say_with(&mut w, vec![Act::SetQuantity(Target::Last, 3)], Some(Doubt::Reading));
    assert_eq!(draft(&w)[1], "3 cola [Extra bottle]");
    say_with(&mut w, vec![Act::Remove(water, None)], Some(Doubt::Reading));
    assert_eq!((cart_count(&w), shown(&w).hint), (1, Some(Hint::SayAgain)));
}

#[test]
fn what_is_missing_is_asked_one_at_a_time_and_never_guessed() {
    let mut parts = fixture::parts();
    let bun = parts.groups.get_mut(&GroupId::new("bun")).unwrap();
    bun.modifiers.iter_mut().for_each(|m| m.default = false);
    let mut w = World::off(KioskConfig { voice: Some(Lang::new("en")), ..fixture::config() });
    w.catalog = std::sync::Arc::new(domain::catalog::Catalog::new(parts).unwrap());
    w.start();
    w.devices_ready();
    w.feed(Input::Voice(VoiceInput::Available(true)));
    w.at_menu();
    w.take_effects();
    say(&mut w, vec![add("burger", 1)]);
    let answers = |w: &World| -> Vec<String> {
        shown(w).question.map(|q| q.answers.iter().map(ToString::to_string).collect()).unwrap_or_default()
    };
    assert_eq!(answers(&w), ["Single", "Double"]);
    voice(&mut w, VoiceIntent::Press);
    let scene = effects(&mut w).into_iter().find_map(|effect| match effect {
        VoiceEffect::Listen { scene, turn, .. } => Some((scene, turn)),
        VoiceEffect::Release { .. } | VoiceEffect::Close { .. } => None,
    });
    let (scene, turn) = scene.unwrap();
    assert_eq!(scene, Scene::Item, "sizes can be answered by their names");
    let sizes = BTreeSet::from([VariationId::new("burger-2")]);
    let said = Said { acts: vec![Act::SetSize(Target::Last, sizes)], doubt: None };
    w.feed(Input::Voice(VoiceInput::Heard { turn, said }));
    assert_eq!(answers(&w), ["brioche", "rye"]);
    voice(&mut w, VoiceIntent::Add);
    assert_eq!((w.page(), cart_count(&w)), ("item", 0), "its own page asks the rest");
    let Page::Item(page) = w.view().page else { panic!("the page of the burger") };
    assert_eq!(page.missing, Some(GroupId::new("bun")));
    w.intent(Intent::Back);

    say(&mut w, vec![Act::Add(sized("burger", 1, "burger-1"))]);
    voice(&mut w, VoiceIntent::Choose(1));
    assert_eq!(answers(&w), [""; 0]);
    voice(&mut w, VoiceIntent::Add);
    assert_eq!(cart_count(&w), 1);
}

#[test]
fn the_slots_of_a_combo_are_asked_and_said_picks_fill_them() {
    let mut w = hearing();
    say(&mut w, vec![Act::Add(Line { picks: vec![ItemId::new("juice")], ..line("meal", 1) })]);
    let question = shown(&w).question.expect("which burger");
    assert_eq!(question.answers.len(), 2);
    voice(&mut w, VoiceIntent::Choose(0));
    assert_eq!(shown(&w).question, None);
    voice(&mut w, VoiceIntent::Add);
    assert_eq!((cart_count(&w), w.view().cart.total.0), (1, 1_290));
}

#[test]
fn corrections_only_ever_reduce_the_cart() {
    let mut w = hearing();
    say(&mut w, vec![add("juice", 3), add("water", 2)]);
    voice(&mut w, VoiceIntent::Add);
    say(&mut w, vec![Act::SetQuantity(Target::Item(ItemId::new("juice")), 1)]);
    assert_eq!((cart_count(&w), draft(&w)), (3, vec![]));
    say(&mut w, vec![Act::SetQuantity(Target::Item(ItemId::new("juice")), 4)]);
    assert_eq!((cart_count(&w), draft(&w)), (3, vec!["3 juice []".to_owned()]), "more of it is shown first");
    voice(&mut w, VoiceIntent::Drop);
    say(&mut w, vec![Act::Remove(Target::Item(ItemId::new("water")), Some(1))]);
    assert_eq!(cart_count(&w), 2);
    say(&mut w, vec![Act::Remove(Target::Item(ItemId::new("water")), None)]);
    assert_eq!(cart_count(&w), 1);
    say(&mut w, vec![Act::Replace(Target::Item(ItemId::new("juice")), line("cola", 1))]);
    assert_eq!((cart_count(&w), draft(&w)), (0, vec!["1 cola [Extra bottle]".to_owned()]));
    say(&mut w, vec![Act::Change(Target::Last, vec![]), Act::SetQuantity(Target::Last, 99)]);
    assert_eq!(draft(&w), ["20 cola [Extra bottle]"], "twenty are the most by voice");
    say(&mut w, vec![Act::Command(Command::Undo)]);
    assert_eq!(draft(&w), [""; 0]);
}

#[test]
fn a_draft_has_an_end_and_what_cannot_be_bought_never_gets_into_one() {
    let mut w = hearing();
    say(&mut w, vec![add("toast", 1), add("beer", 1), add("bottle", 1), add("nothing", 1)]);
    assert_eq!(draft(&w), [""; 0], "not at this time, not here, not by itself, not at all");
    say(&mut w, (0..=DRAFT_LINES_MAX).map(|_| add("juice", 1)).collect());
    assert_eq!((draft(&w).len(), shown(&w).hint), (DRAFT_LINES_MAX, Some(Hint::TooMany)));
}

#[test]
fn another_language_has_no_voice_and_the_first_page_leads_there() {
    let mut w = World::with(KioskConfig { voice: Some(Lang::new("en")), ..fixture::config() });
    w.feed(Input::Voice(VoiceInput::Available(true)));
    w.intent(Intent::Start);
    let offers = |w: &World| match w.view().page {
        Page::Service(page) => page.voice,
        Page::Menu(page) => page.voice,
        other => panic!("{}", other.name()),
    };
    assert!(offers(&w));
    w.intent(Intent::SetLanguage(Lang::new("de")));
    assert!(!offers(&w));
    w.intent(Intent::SetLanguage(Lang::new("en")));
    voice(&mut w, VoiceIntent::Begin);
    assert_eq!((w.page(), shown(&w).hint), ("menu", Some(Hint::Example)));
    assert!(offers(&w));
    w.feed(Input::Voice(VoiceInput::Available(false)));
    assert!(!offers(&w));
}
