use super::*;

const NOW: Duration = Duration::from_secs(1_000);

fn door() -> Door {
    Door::new(SystemRandom::new())
}

fn enter(door: &mut Door, socket: SocketId) -> Admission {
    let token = door.invite();
    door.admit(NOW, socket, Credential::Token(token.reveal())).unwrap()
}

#[test]
fn a_token_opens_once_and_its_second_use_is_refused() {
    let mut door = door();
    let token = door.invite();
    assert_eq!(token.reveal().len(), 22);
    assert_eq!(door.admit(NOW, 1, Credential::Token(token.reveal())).unwrap().role, Role::Control);
    assert_eq!(door.admit(NOW, 2, Credential::Token(token.reveal())), Err(Refusal::Token));
}

#[test]
fn one_controls_four_view_and_the_next_is_told_to_wait_without_losing_the_token() {
    let mut door = door();
    assert_eq!(enter(&mut door, 0).role, Role::Control);
    for socket in 1..=4 {
        assert_eq!(enter(&mut door, socket).role, Role::View);
    }
    let token = door.invite();
    assert_eq!(door.admit(NOW, 5, Credential::Token(token.reveal())), Err(Refusal::Busy));
    door.leave(NOW, 3);
    assert_eq!(door.admit(NOW, 5, Credential::Token(token.reveal())).unwrap().role, Role::View);
}

#[test]
fn a_reload_gets_its_seat_back_and_takes_it_over_from_a_socket_that_still_hangs() {
    let mut door = door();
    let first = enter(&mut door, 1);
    let again = door.admit(NOW, 2, Credential::Resume(first.resume.reveal())).unwrap();
    assert_eq!(again.role, Role::Control);
    assert!(door.holds(2) && !door.holds(1));
    door.leave(NOW, 1);
    assert!(door.holds(2), "the old socket's end does not free the new one's seat");
}

#[test]
fn a_viewer_stays_a_viewer_when_it_comes_back() {
    let mut door = door();
    enter(&mut door, 1);
    let viewer = enter(&mut door, 2);
    door.leave(NOW, 1);
    door.leave(NOW, 2);
    let again = door.admit(NOW, 3, Credential::Resume(viewer.resume.reveal())).unwrap();
    assert_eq!(again.role, Role::View);
}

#[test]
fn seats_are_void_ten_minutes_after_the_last_visitor_left() {
    let mut door = door();
    let controller = enter(&mut door, 1);
    let viewer = enter(&mut door, 2);
    door.leave(NOW, 1);
    door.leave(NOW + Duration::from_secs(300), 2);
    let just_in_time = NOW + Duration::from_secs(899);
    let again = door.admit(just_in_time, 3, Credential::Resume(controller.resume.reveal()));
    assert_eq!(again.unwrap().role, Role::Control);
    door.leave(just_in_time, 3);
    let too_late = just_in_time + RESUME_FOR;
    assert_eq!(door.admit(too_late, 4, Credential::Resume(viewer.resume.reveal())), Err(Refusal::Token));
}

#[test]
fn five_wrong_tokens_shut_the_door_for_a_minute_even_for_a_right_one() {
    let mut door = door();
    let right = door.invite();
    for wrong in ["", "x", "AAAAAAAAAAAAAAAAAAAAAA", "ÄÖÜ"] {
        assert_eq!(door.admit(NOW, 1, Credential::Token(wrong)), Err(Refusal::Token));
    }
    assert!(!door.is_shut(NOW));
    assert_eq!(door.admit(NOW, 1, Credential::Resume("y")), Err(Refusal::Token));
    assert!(door.is_shut(NOW));
    let still_shut = NOW + SHUT_FOR - Duration::from_millis(1);
    assert_eq!(door.admit(still_shut, 1, Credential::Token(right.reveal())), Err(Refusal::Token));
    assert!(door.admit(NOW + SHUT_FOR, 1, Credential::Token(right.reveal())).is_ok());
}

#[test]
fn an_invited_person_takes_control_when_the_controller_is_gone() {
    let mut door = door();
    let gone = enter(&mut door, 1);
    door.leave(NOW, 1);
    assert_eq!(enter(&mut door, 2).role, Role::Control);
    assert_eq!(door.admit(NOW, 3, Credential::Resume(gone.resume.reveal())), Err(Refusal::Token));
}

#[test]
fn tokens_are_written_as_base64url_and_never_into_logs() {
    // RFC 4648, section 10, padded with zero bits: "foobar" is Zm9vYmFy.
    let foobar = u128::from_be_bytes(*b"foobar\0\0\0\0\0\0\0\0\0\0");
    assert_eq!(base64url(foobar), "Zm9vYmFyAAAAAAAAAAAAAA");
    assert_eq!(base64url(u128::MAX), "_____________________w");
    let token = Token::generate(&SystemRandom::new());
    assert!(!format!("{token:?}").contains(token.reveal()));
}
