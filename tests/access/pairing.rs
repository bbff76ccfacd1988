//! Each way to be let in, and each row of what may go wrong (promise S37).

use std::time::Duration;

use serde_json::{Value, json};
use yep::machine::State;

use crate::support::{Server, by, code, snapshot};
use crate::{PHONES, cookie, not_homed, paired, post, role_of, unpaired};

const REQUESTS: &str = "/api/v1/pairing/requests";
const CODE: &str = "/api/v1/pairing/code";

async fn request(server: &Server, host: u8, name: &str) -> Value {
    let answer = post(server, host, REQUESTS, json!({ "name": name })).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

fn ask(open: &Value) -> Vec<bool> {
    open["ask"].as_array().unwrap().iter().map(|switch| switch == "front").collect()
}

/// A person presses a switch, and lets it go.
async fn press(server: &Server, front: bool) {
    for inputs in [not_homed(front, !front), not_homed(false, false)] {
        server.port.set_snapshot(inputs);
        tokio::time::sleep(Duration::from_millis(30)).await;
    }
}

async fn news(server: &Server, host: u8, open: &Value, pressed: u8) -> crate::support::HttpAnswer {
    let path = format!("{REQUESTS}/{}", open["id"]);
    post(server, host, &path, json!({ "secret": open["secret"], "pressed": pressed })).await
}

#[tokio::test]
async fn the_first_device_becomes_admin_by_the_switches_and_the_next_one_operator() {
    let server = unpaired().await;
    let ways = server.request_from(10, "GET", "/api/v1/pairing", &[], b"").await.json();
    assert_eq!((&ways["is_claimed"], &ways["switches"]["usable"]), (&json!(false), &json!(true)));
    for (host, role) in [(10, "admin"), (11, "operator")] {
        let open = request(&server, host, "a phone").await;
        let order = ask(&open);
        tokio::time::sleep(Duration::from_millis(30)).await;
        press(&server, order[0]).await;
        let one = news(&server, host, &open, 0).await.json();
        assert_eq!((&one["status"], &one["pressed"]), (&json!("waiting"), &json!(1)), "{one}");
        press(&server, order[1]).await;
        let done = news(&server, host, &open, 1).await;
        assert_eq!(
            (done.status, &done.json()["status"], &done.json()["device"]["role"]),
            (200, &json!("paired"), &json!(role))
        );
        assert_eq!(role_of(&server, host, &cookie(&done)).await, role);
        // The request is over: nobody gets a second token with it.
        assert_eq!(code(&news(&server, host, &open, 1).await), "pairing_ended");
    }
}

#[tokio::test]
async fn the_wrong_order_or_the_wrong_secret_lets_nobody_in() {
    let server = unpaired().await;
    let open = request(&server, 10, "a phone").await;
    tokio::time::sleep(Duration::from_millis(30)).await;
    let mut other = open.clone();
    other["secret"] = json!("0".repeat(32));
    assert_eq!(code(&news(&server, 11, &other, 0).await), "pairing_ended");
    press(&server, !ask(&open)[0]).await;
    let wrong = news(&server, 10, &open, 0).await;
    assert_eq!((wrong.status, code(&wrong)), (409, "wrong_switch".to_owned()));
    assert_eq!(wrong.header("set-cookie"), None);
    // Nothing is burnt.
    request(&server, 10, "a phone").await;
}

#[tokio::test]
async fn while_a_second_device_asks_presses_count_for_neither() {
    let server = unpaired().await;
    let open = request(&server, 10, "the first").await;
    tokio::time::sleep(Duration::from_millis(30)).await;
    press(&server, ask(&open)[0]).await;
    let busy = post(&server, 11, REQUESTS, json!({ "name": "the second" })).await;
    assert_eq!((busy.status, code(&busy)), (409, "pairing_busy".to_owned()));
    let told = news(&server, 10, &open, 1).await.json();
    assert_eq!((&told["contested"], &told["pressed"]), (&json!(true), &json!(0)), "{told}");
    for front in ask(&open) {
        press(&server, front).await;
    }
    let path = format!("{REQUESTS}/{}", open["id"]);
    let body = json!({ "secret": open["secret"], "pressed": 0, "contested": true, "cancel": true });
    assert_eq!(post(&server, 10, &path, body).await.json()["status"], "cancelled");
    request(&server, 11, "the second").await;
}

#[tokio::test]
async fn switches_that_protect_an_axis_prove_nothing() {
    let server = unpaired().await;
    let open = request(&server, 10, "a phone").await;
    server.port.set_snapshot(snapshot(State::Homing));
    assert_eq!(code(&news(&server, 10, &open, 0).await), "switches_in_use");
    let refused = post(&server, 10, REQUESTS, json!({ "name": "a phone" })).await;
    assert_eq!((refused.status, code(&refused)), (409, "switches_in_use".to_owned()));
    let ways = server.request_from(10, "GET", "/api/v1/pairing", &[], b"").await.json();
    assert!(ways["switches"]["why"].as_str().unwrap().contains("restart the machine"), "{ways}");
}

#[tokio::test]
async fn six_digits_of_an_admin_let_one_device_in() {
    let server = paired().await;
    let none = post(&server, 10, CODE, json!({ "name": "a phone", "code": "123456" })).await;
    assert_eq!((none.status, code(&none)), (409, "no_code".to_owned()));
    let refused = by(&server, 2, "POST", "/api/v1/pairing/window", json!({})).await;
    assert_eq!((refused.status, code(&refused)), (403, "role".to_owned()), "an operator");
    let window = by(&server, 3, "POST", "/api/v1/pairing/window", json!({ "role": "observer" })).await.json();
    let digits = window["code"].as_str().unwrap();
    assert_eq!(window["url"], format!("http://yep.local/#pair={digits}"));
    assert!(window["qr_svg"].as_str().unwrap().starts_with("<svg "));
    let paired = post(&server, 10, CODE, json!({ "name": "a phone", "code": digits })).await;
    assert_eq!((paired.status, &paired.json()["role"]), (200, &json!("observer")), "{}", paired.text());
    assert_eq!(role_of(&server, 10, &cookie(&paired)).await, "observer");
    let again = post(&server, 11, CODE, json!({ "name": "a phone", "code": digits })).await;
    assert_eq!(code(&again), "no_code", "good once");
}

#[tokio::test]
async fn five_wrong_tries_of_whomever_close_the_window_and_the_audit_says_from_where() {
    let server = paired().await;
    let window = by(&server, 3, "POST", "/api/v1/pairing/window", json!({})).await.json();
    let digits = window["code"].as_str().unwrap().to_owned();
    let wrong = if digits == "000000" { "000001" } else { "000000" };
    for n in 0..5 {
        let tried = post(&server, PHONES[n % 3], CODE, json!({ "name": "x", "code": wrong })).await;
        assert_eq!((tried.status, code(&tried)), (409, "wrong_code".to_owned()), "{n}");
    }
    let right = post(&server, 10, CODE, json!({ "name": "x", "code": digits })).await;
    assert_eq!((right.status, code(&right)), (409, "no_code".to_owned()));
    let audit = by(&server, 3, "GET", "/api/v1/audit", Value::Null).await.json();
    let refused: Vec<_> =
        audit["events"].as_array().unwrap().iter().filter(|event| event["what"] == "refused").collect();
    assert_eq!(refused.len(), 5, "{audit}");
    assert_eq!(refused[0]["who"], "192.168.1.10");
    assert!(!audit.to_string().contains(&digits), "{audit}");
}

#[tokio::test]
async fn guesses_are_slow_over_all_addresses() {
    let server = paired().await;
    let mut refused = 0;
    for n in 0..30 {
        let tried = post(&server, PHONES[n % 3], CODE, json!({ "name": "x", "code": "1" })).await;
        refused += usize::from(tried.status == 429);
    }
    assert!(refused > 0, "30 tries at once");
}

#[tokio::test]
async fn the_code_on_the_card_is_good_once_and_ten_wrong_tries_burn_it() {
    let server = unpaired().await;
    server.ctx.pairing.take_card_code("Ab3d-Ef9h").await.unwrap();
    assert_eq!(server.get("/api/v1/pairing").await.json()["takes_code"], true);
    let paired = post(&server, 10, CODE, json!({ "name": "a phone", "code": "ab3def9h" })).await;
    assert_eq!((paired.status, &paired.json()["role"]), (200, &json!("admin")), "{}", paired.text());
    assert_eq!(role_of(&server, 10, &cookie(&paired)).await, "admin");
    // The same code, which is still on the card at the next start, is not taken over again.
    server.ctx.pairing.take_card_code("Ab3d-Ef9h").await.unwrap();
    assert_eq!(code(&post(&server, 11, CODE, json!({ "name": "x", "code": "ab3def9h" })).await), "no_code");

    server.ctx.pairing.take_card_code("another code 1").await.unwrap();
    for n in 0..10 {
        let tried = post(&server, PHONES[n % 3], CODE, json!({ "name": "x", "code": "wrongwrong1" })).await;
        assert_eq!(code(&tried), "wrong_code", "{n}");
        tokio::time::sleep(Duration::from_millis(110)).await;
    }
    let right = post(&server, 10, CODE, json!({ "name": "x", "code": "anothercode1" })).await;
    assert_eq!(code(&right), "no_code");
    assert!(server.ctx.pairing.take_card_code("short").await.is_err());
}

#[tokio::test]
async fn a_ticket_lets_the_same_device_in_under_another_name_of_the_server() {
    let server = paired().await;
    let ticket = by(&server, 2, "POST", "/api/v1/pairing/ticket", Value::Null).await.json();
    let body = json!({ "name": "ignored", "code": ticket["ticket"] });
    let headers = [("host", "yep"), ("content-type", "application/json")];
    let paired = server.request_from(10, "POST", CODE, &headers, body.to_string().as_bytes()).await;
    assert_eq!((paired.status, &paired.json()["role"]), (200, &json!("operator")), "{}", paired.text());
    assert_eq!(code(&post(&server, 10, CODE, body).await), "no_code", "good once");
}

#[tokio::test]
async fn a_lost_list_of_admins_is_claimed_anew_right_after_a_start() {
    let server = paired().await;
    server.port.set_snapshot(not_homed(false, false));
    let answer = post(&server, 12, REQUESTS, json!({ "name": "new", "purpose": "anew" })).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let open = answer.json();
    tokio::time::sleep(Duration::from_millis(30)).await;
    for front in ask(&open) {
        press(&server, front).await;
    }
    let done = news(&server, 12, &open, 0).await.json();
    assert_eq!((&done["status"], &done["device"]["role"]), (&json!("paired"), &json!("admin")), "{done}");
}

#[tokio::test]
async fn bad_names_are_refused_and_nobody_is_in() {
    let server = unpaired().await;
    let long = "x".repeat(65);
    for name in ["", " ", "a\u{7}b", long.as_str()] {
        let answer = post(&server, 10, REQUESTS, json!({ "name": name })).await;
        assert_eq!((answer.status, code(&answer)), (422, "invalid_fields".to_owned()), "{name:?}");
    }
    assert_eq!(server.store.state.lock().unwrap().devices.len(), 0);
}
