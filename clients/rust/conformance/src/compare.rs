use serde_json::{Value, json};

use crate::play::Outcome;
use crate::vector::Vector;

const SHOWN_CHARACTERS: usize = 200;

/// Describes the first difference from the outcome that the vector expects.
pub fn first_difference(vector: &Vector, mut outcome: Outcome) -> Option<String> {
    for response in &mut outcome.responses {
        remove(response, vector.ignore.iter().map(String::as_str));
        // Events of ParseBatch and ends of StreamAnswerBatch can have an error.
        for key in ["events", "ended"] {
            for event in elements(response, key) {
                event.get_mut("error").map(remove_human_texts);
            }
        }
    }
    remove_human_texts(&mut outcome.error);
    let expected = json!({"responses": vector.responses, "error": vector.error});
    let received = json!({"responses": outcome.responses, "error": outcome.error});
    difference("", Some(&expected), Some(&received))
}

/// Removes the texts for people, which may change, from a google.rpc.Status.
fn remove_human_texts(status: &mut Value) {
    remove(status, ["message"]);
    for detail in elements(status, "details") {
        if let Some(metadata) = detail.get_mut("metadata") {
            remove(metadata, ["openai_error_json"]);
        }
        for violation in elements(detail, "fieldViolations") {
            remove(violation, ["description"]);
        }
    }
}

fn remove<'a>(object: &mut Value, keys: impl IntoIterator<Item = &'a str>) {
    if let Value::Object(fields) = object {
        for key in keys {
            fields.remove(key);
        }
    }
}

/// Returns the elements of the list at a key; none if there is no list.
fn elements<'a>(object: &'a mut Value, key: &str) -> impl Iterator<Item = &'a mut Value> {
    object
        .get_mut(key)
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten()
}

fn difference(path: &str, expected: Option<&Value>, received: Option<&Value>) -> Option<String> {
    match (expected, received) {
        _ if expected == received => None,
        (Some(Value::Object(expected)), Some(Value::Object(received))) => {
            let mut keys = expected.keys().chain(received.keys());
            keys.find_map(|key| {
                difference(
                    &format!("{path}.{key}"),
                    expected.get(key),
                    received.get(key),
                )
            })
        }
        (Some(Value::Array(expected)), Some(Value::Array(received))) => {
            let mut indices = 0..expected.len().max(received.len());
            indices.find_map(|index| {
                difference(
                    &format!("{path}[{index}]"),
                    expected.get(index),
                    received.get(index),
                )
            })
        }
        _ => Some(format!(
            "{path}: expected {}, received {}",
            shown(expected),
            shown(received)
        )),
    }
}

fn shown(value: Option<&Value>) -> String {
    let text = value.map_or("nothing".to_owned(), Value::to_string);
    match text.char_indices().nth(SHOWN_CHARACTERS) {
        Some((end, _)) => format!("{} ...", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vector(response: Value, error: Option<Value>) -> Vector {
        Vector {
            name: "name".into(),
            requests: vec![],
            responses: vec![response],
            error,
            ignore: vec!["ignored".into()],
        }
    }

    fn outcome(response: Value, error: Value) -> Outcome {
        Outcome {
            responses: vec![response],
            error,
        }
    }

    #[test]
    fn names_the_place_of_a_difference() {
        let vector = vector(json!({"tokens": [1, 2]}), None);
        let of = |response| first_difference(&vector, outcome(response, Value::Null));
        assert_eq!(of(json!({"tokens": [1, 2]})), None);
        assert_eq!(
            of(json!({"tokens": [1, 3]})).unwrap(),
            ".responses[0].tokens[1]: expected 2, received 3"
        );
        assert_eq!(
            of(json!({"tokens": [1]})).unwrap(),
            ".responses[0].tokens[1]: expected 2, received nothing"
        );
        assert_eq!(
            of(json!({"tokens": [1, 2], "text": ""})).unwrap(),
            ".responses[0].text: expected nothing, received \"\""
        );
    }

    #[test]
    fn an_error_differs_from_none() {
        let vector = vector(json!({}), None);
        let difference = first_difference(&vector, outcome(json!({}), json!({"code": 3})));
        assert_eq!(
            difference.unwrap(),
            ".error: expected null, received {\"code\":3}"
        );
    }

    #[test]
    fn ignored_keys_and_texts_for_people_do_not_differ() {
        let expected = json!({"code": 3, "details": [{"fieldViolations": [{"field": "text"}]}]});
        let received = json!({
            "code": 3,
            "message": "for people",
            "details": [{"fieldViolations": [{"field": "text", "description": "for people"}]}],
        });
        let vector = vector(json!({"events": [{"error": expected}]}), Some(expected));
        let response = json!({"ignored": 1, "events": [{"error": received}]});
        assert_eq!(first_difference(&vector, outcome(response, received)), None);
    }
}
