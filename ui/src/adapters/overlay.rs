//! What lies over a page: sheets, short messages, banners; and what a voice would say about it all.

use domain::View;
use domain::view::{Notice, Overlay, Page, VoiceLine, VoiceState, VoiceView};
use slint::{Global, SharedString};

use super::{Context, format, integer};
use crate::pages::{BannerAdapter, BannerKind, OverlayAdapter, OverlayKind};

pub(super) fn apply(context: &Context, view: &View) {
    let page = OverlayAdapter::get(context.window);
    page.set_kind(match &view.overlay {
        None | Some(Overlay::Notice(_)) => OverlayKind::None,
        Some(Overlay::Idle { .. }) => OverlayKind::Idle,
        Some(Overlay::Languages) => OverlayKind::Languages,
        Some(Overlay::Easier) => OverlayKind::Easier,
        Some(Overlay::ConfirmCancel) => OverlayKind::ConfirmCancel,
    });
    if let Some(Overlay::Idle { has_cart, .. }) = &view.overlay {
        page.set_has_cart(*has_cart && view.cart.count > 0);
        page.set_picture(view.cart.picture.as_ref().into());
    }
    let (icon, notice) = match &view.overlay {
        Some(Overlay::Notice(notice)) => message(context, notice),
        Some(Overlay::Idle { .. } | Overlay::Languages | Overlay::Easier | Overlay::ConfirmCancel) | None => {
            ("info-circle", SharedString::new())
        }
    };
    page.set_notice_icon(icon.into());
    page.set_notice(notice);
    apply_banner(context, view);
}

/// One banner at a time: what changes the sale most comes first.
fn apply_banner(context: &Context, view: &View) {
    let banner = BannerAdapter::get(context.window);
    banner
        .set_since(view.banners.offline_since.map(|at| format::minute(at.minute)).unwrap_or_default().into());
    banner.set_kind(if view.banners.no_cards {
        BannerKind::NoCards
    } else if view.banners.no_paper {
        BannerKind::NoPaper
    } else if view.banners.offline_since.is_some() {
        BannerKind::Offline
    } else {
        BannerKind::None
    });
}

fn message(context: &Context, notice: &Notice) -> (&'static str, SharedString) {
    let words = context.words();
    match notice {
        Notice::UnknownCode => ("barcode", words.invoke_unknown_code()),
        Notice::Added(name) => ("check", words.invoke_notice_added(name.as_ref().into())),
        Notice::SoldOut(name) => ("alert-circle", words.invoke_notice_sold_out(name.as_ref().into())),
        Notice::Limit(most) => ("info-circle", words.invoke_notice_limit(integer(*most))),
        Notice::PriceChanged => ("tag", words.invoke_notice_price()),
        Notice::StaffCalled => ("bell", words.invoke_notice_staff()),
        Notice::CodeAccepted(name) => ("ticket", words.invoke_notice_code(name.as_ref().into())),
        Notice::CodeCountsFrom(name, from) => {
            ("ticket", words.invoke_notice_code_from(name.as_ref().into(), context.money(*from)))
        }
    }
}

/// The page's name for scripts and logs; a sheet over it makes it another screen: `menu/idle`.
pub(super) fn screen_name(view: &View) -> String {
    let page = view.page.name();
    match &view.overlay {
        None | Some(Overlay::Notice(_)) => match view.voice.as_ref().map(voice_name) {
            None => page.to_owned(),
            Some(voice) => format!("{page}/{voice}"),
        },
        Some(Overlay::Idle { .. }) => format!("{page}/idle"),
        Some(Overlay::Languages) => format!("{page}/languages"),
        Some(Overlay::Easier) => format!("{page}/easier"),
        Some(Overlay::ConfirmCancel) => format!("{page}/confirm-cancel"),
    }
}

fn voice_name(voice: &VoiceView) -> &'static str {
    match voice.state {
        VoiceState::Opening => "opening",
        VoiceState::Listening { .. } => "listening",
        VoiceState::Recognising => "recognising",
        VoiceState::Closed if voice.question.is_some() => "question",
        VoiceState::Closed if voice.lines.is_empty() => "remark",
        VoiceState::Closed => "draft",
    }
}

/// What a voice would say: where the customer is, and what matters most there.
pub(super) fn speech(context: &Context, view: &View) -> String {
    let words = context.words();
    let money = |amount| format::money(amount, context.currency, context.lang);
    match &view.page {
        Page::Starting | Page::Attract(_) => view.brand.to_string(),
        Page::Claim(claim) => match &claim.code {
            Some(code) => words.invoke_claim_code(code.text.as_ref().into()).to_string(),
            None => words.invoke_claim().to_string(),
        },
        Page::Service(service) => words.invoke_greeting(service.minute_of_day.into()).to_string(),
        Page::Menu(menu) => match view.voice.as_ref().filter(|voice| !voice.lines.is_empty()) {
            None => format!("{}. {}", menu.title, menu.strapline),
            Some(voice) => {
                let line =
                    |line: &VoiceLine| words.invoke_times(integer(line.quantity), line.name.as_ref().into());
                voice.lines.iter().map(line).collect::<Vec<_>>().join(". ")
            }
        },
        Page::Item(item) => format!("{}. {} {}", item.name, item.description, money(item.total)),
        Page::Meal(meal) => format!("{} {}", meal.name, money(meal.total)),
        Page::Cart(cart) => format!("{} {}", words.invoke_items(integer(view.cart.count)), money(cart.total)),
        Page::PayChoose(pay) => money(pay.total),
        Page::AtTerminal(terminal) => {
            let title = words.invoke_terminal_title(super::pay::prompt(terminal.prompt));
            format!("{} {}", title.replace('\n', " "), money(terminal.amount))
        }
        Page::PayFailed(failed) => words.invoke_failed_title(super::pay::failure(failed.why).0).to_string(),
        Page::PayUnknown(unknown) => {
            format!("{} {}", words.invoke_please_do_not_pay_again(), unknown.reference)
        }
        Page::Done(done) => words.invoke_your_number_is(done.number.to_string().into()).to_string(),
        Page::OutOfService(closed) => words.invoke_resting(super::attract::rest(closed.rest)).to_string(),
    }
}
