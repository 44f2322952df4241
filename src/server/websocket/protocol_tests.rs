//! Tests of the protocol without a socket.

use async_graphql::PathSegment;

use super::*;

fn open() -> Protocol {
    let mut protocol = Protocol::default();
    assert!(matches!(protocol.receive(r#"{"type":"connection_init"}"#), Ok(Step::Init(payload)) if payload.is_empty()));
    protocol.acknowledge();
    protocol
}

fn subscribe(id: &str) -> String {
    json!({ "type": "subscribe", "id": id, "payload": { "query": "{ a }" } }).to_string()
}

fn run(protocol: &mut Protocol, id: &str) -> u64 {
    match protocol.receive(&subscribe(id)) {
        Ok(Step::Run(number, _)) => number,
        other => panic!("{other:?}"),
    }
}

fn code(received: Result<Step, Close>) -> u16 {
    received.unwrap_err().code
}

fn sent(text: Option<String>) -> Value {
    serde_json::from_str(&text.unwrap()).unwrap()
}

#[test]
fn receive_requires_one_init_before_operations() {
    let mut protocol = Protocol::default();
    assert_eq!(code(protocol.receive(&subscribe("1"))), 4401);
    let init = r#"{"type":"connection_init","payload":{"token":"t"}}"#;
    assert!(matches!(protocol.receive(init), Ok(Step::Init(payload)) if payload["token"] == "t"));
    assert_eq!(code(protocol.receive(&subscribe("1"))), 4401, "not acknowledged yet");
    assert_eq!(sent(Some(protocol.acknowledge())), json!({ "type": "connection_ack" }));
    assert_eq!(code(protocol.receive(init)), 4429);
}

#[test]
fn receive_closes_the_socket_after_invalid_messages() {
    for bad in [
        "",
        "[]",
        "{}",
        r#"{"type":1}"#,
        r#"{"type":"start","id":"1","payload":{"query":"{ a }"}}"#,
        r#"{"type":"subscribe","payload":{"query":"{ a }"}}"#,
        r#"{"type":"subscribe","id":"","payload":{"query":"{ a }"}}"#,
        r#"{"type":"subscribe","id":1,"payload":{"query":"{ a }"}}"#,
        r#"{"type":"subscribe","id":"1"}"#,
        r#"{"type":"subscribe","id":"1","payload":{"query":1}}"#,
        r#"{"type":"subscribe","id":"1","payload":{"query":"{ a }","variables":[]}}"#,
        r#"{"type":"complete"}"#,
        r#"{"type":"ping","payload":1}"#,
    ] {
        assert_eq!(code(open().receive(bad)), 4400, "{bad}");
    }
    assert_eq!(code(Protocol::default().receive(r#"{"type":"connection_init","payload":"t"}"#)), 4400);
    assert_eq!(code(open().receive(&" ".repeat(MAX_BYTES + 1))), 1009);
}

#[test]
fn receive_answers_pings_at_any_time() {
    let mut protocol = Protocol::default();
    let Ok(Step::Send(answer)) = protocol.receive(r#"{"type":"ping","payload":{"a":1}}"#) else { panic!("no answer") };
    assert_eq!(sent(Some(answer)), json!({ "type": "pong", "payload": { "a": 1 } }));
    let Ok(Step::Send(answer)) = protocol.receive(r#"{"type":"ping"}"#) else { panic!("no answer") };
    assert_eq!(sent(Some(answer)), json!({ "type": "pong" }));
    assert!(matches!(protocol.receive(r#"{"type":"pong"}"#), Ok(Step::Nothing)));
}

#[test]
fn subscribe_refuses_the_id_of_a_running_operation() {
    let mut protocol = open();
    let number = run(&mut protocol, "a");
    let close = protocol.receive(&subscribe("a")).unwrap_err();
    assert_eq!((close.code, close.reason.as_str()), (4409, "Subscriber for a already exists"));
    assert_eq!(sent(protocol.complete(number)), json!({ "type": "complete", "id": "a" }));
    assert!(protocol.is_idle());
    assert_ne!(run(&mut protocol, "a"), number);
}

#[test]
fn complete_ends_the_messages_of_an_operation_even_if_its_id_is_reused() {
    let mut protocol = open();
    let number = run(&mut protocol, "a");
    assert!(
        matches!(protocol.receive(r#"{"type":"complete","id":"a"}"#), Ok(Step::Stop(stopped)) if stopped == number)
    );
    run(&mut protocol, "a");
    assert_eq!(protocol.result(number, &Executed::default()), None);
    assert_eq!(protocol.complete(number), None);
    assert!(matches!(protocol.receive(r#"{"type":"complete","id":"unknown"}"#), Ok(Step::Nothing)));
}

#[test]
fn result_sends_an_error_for_a_refused_operation_and_next_for_a_failed_one() {
    let mut protocol = open();
    let refused = run(&mut protocol, "a");
    let message =
        sent(protocol.result(refused, &Executed::from_errors(vec![error("GRAPHQL_VALIDATION_FAILED", "no")])));
    assert_eq!((&message["type"], &message["id"]), (&json!("error"), &json!("a")));
    assert_eq!(message["payload"][0]["extensions"]["code"], "GRAPHQL_VALIDATION_FAILED");
    assert_eq!(protocol.complete(refused), None, "an error is the end");

    let failed = run(&mut protocol, "b");
    let error = ServerError { path: vec![PathSegment::Field("a".into())], ..error("FORBIDDEN", "no") };
    let message = sent(protocol.result(failed, &Executed::from_errors(vec![error])));
    assert_eq!((&message["type"], &message["payload"]["data"]), (&json!("next"), &Value::Null));
    assert!(protocol.complete(failed).is_some());
}

#[test]
fn result_keeps_the_order_of_fields() {
    let mut protocol = open();
    let number = run(&mut protocol, "a");
    let fields = [("zebra", 1), ("ant", 2)].map(|(name, value)| (async_graphql::Name::new(name), value.into()));
    let message = protocol.result(number, &Executed::new(async_graphql::Value::Object(fields.into_iter().collect())));
    assert_eq!(message.unwrap(), r#"{"type":"next","id":"a","payload":{"data":{"zebra":1,"ant":2}}}"#);
}

#[test]
fn subscribe_limits_running_operations() {
    let mut protocol = open();
    let numbers: Vec<u64> = (0..MAX_OPERATIONS).map(|n| run(&mut protocol, &n.to_string())).collect();
    let Ok(Step::Send(answer)) = protocol.receive(&subscribe("more")) else { panic!("not refused") };
    assert_eq!(sent(Some(answer))["type"], "error");
    protocol.complete(numbers[0]);
    run(&mut protocol, "more");
}

#[test]
fn close_truncates_the_reason_to_its_frame() {
    let mut protocol = open();
    let id = "ä".repeat(200);
    run(&mut protocol, &id);
    let close = protocol.receive(&subscribe(&id)).unwrap_err();
    assert!(close.code == 4409 && (120..=MAX_REASON).contains(&close.reason.len()), "{}", close.reason);
}

#[test]
fn subscribe_refuses_too_many_values_and_keeps_the_socket() {
    let mut protocol = open();
    let payload = json!({ "query": "{ a }", "variables": { "a": vec![0; 20_000] } });
    let message = json!({ "type": "subscribe", "id": "1", "payload": payload }).to_string();
    let Ok(Step::Send(refusal)) = protocol.receive(&message) else { panic!("refused") };
    let refusal: Value = serde_json::from_str(&refusal).unwrap();
    assert_eq!((&refusal["type"], &refusal["id"]), (&json!("error"), &json!("1")));
    assert_eq!(refusal["payload"][0]["extensions"]["code"], "TOO_COMPLEX");
    run(&mut protocol, "1");
    let message = json!({ "type": "ping", "payload": { "a": vec![0; 20_000] } }).to_string();
    assert_eq!(code(protocol.receive(&message)), 4400);
}
