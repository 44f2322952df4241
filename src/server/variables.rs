//! How large the values of variables may be, whether or not the document uses them. Operations bound what they take more
//! narrowly; this is so that nothing has to be done with what nobody would send in good faith.

use async_graphql::{Value, Variables};
use axum::http::StatusCode;

use super::problem::Problem;

/// How deep lists and objects may nest.
pub const MAX_DEPTH: usize = 32;
/// Most values of one list.
pub const MAX_LIST: usize = 1_000;
/// Most values in all, with those in lists and objects.
pub const MAX_VALUES: usize = 10_000;

/// Refuses what is too large.
pub fn check(variables: &Variables) -> Result<(), Problem> {
    let mut left = MAX_VALUES;
    let fits = variables.values().try_for_each(|value| measure(value, MAX_DEPTH, &mut left));
    fits.map_err(|message| Problem::new(StatusCode::BAD_REQUEST, "TOO_COMPLEX", message))
}

fn measure(value: &Value, depth: usize, left: &mut usize) -> Result<(), String> {
    *left = left.checked_sub(1).ok_or_else(|| format!("The variables may have {MAX_VALUES} values in all."))?;
    let mut inner = |value: &Value| {
        let depth = depth.checked_sub(1).ok_or_else(|| format!("The variables may nest {MAX_DEPTH} levels deep."))?;
        measure(value, depth, left)
    };
    match value {
        Value::List(list) if list.len() > MAX_LIST => Err(format!("A list may have {MAX_LIST} values.")),
        Value::List(list) => list.iter().try_for_each(inner),
        Value::Object(fields) => fields.values().try_for_each(&mut inner),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::*;

    fn refusal(value: Json) -> Option<String> {
        check(&Variables::from_json(json!({ "v": value }))).err().map(|problem| problem.errors[0].message.clone())
    }

    fn nested(levels: usize) -> Json {
        (0..levels).fold(json!(1), |inner, level| if level % 2 == 0 { json!([inner]) } else { json!({ "a": inner }) })
    }

    #[test]
    fn values_are_bounded_in_depth_length_and_number() {
        assert_eq!(refusal(nested(MAX_DEPTH)), None);
        assert!(refusal(nested(MAX_DEPTH + 1)).unwrap().contains("nest"));
        assert_eq!(refusal(json!(vec![1; MAX_LIST])), None);
        assert!(refusal(json!(vec![1; MAX_LIST + 1])).unwrap().contains("list"));
        let lists = |count: usize| json!(vec![vec![1; MAX_LIST - 1]; count]);
        assert_eq!(refusal(lists(9)), None);
        assert!(refusal(lists(10)).unwrap().contains("in all"));
    }
}
