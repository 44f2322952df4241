//! Concurrent requests, and the number of each of their outcomes.

use std::collections::BTreeMap;

use futures_util::future::join_all;

use crate::support::Answer;

/// Number of concurrent requests.
pub const MANY: usize = 50;

/// The number of each outcome: `ok` or the code of the first user error. Top-level errors fail the test.
pub fn tally(answers: Vec<Answer>) -> BTreeMap<String, usize> {
    let mut tally = BTreeMap::new();
    for answer in answers {
        let codes = answer.refused();
        *tally.entry(codes.first().cloned().unwrap_or_else(|| "ok".to_owned())).or_insert(0) += 1;
    }
    tally
}

/// The expected outcomes.
pub fn counts<const N: usize>(expected: [(&str, usize); N]) -> BTreeMap<String, usize> {
    expected.into_iter().map(|(code, count)| (code.to_owned(), count)).collect()
}

/// The answers of [`MANY`] concurrent tasks.
pub async fn at_once<F: Future<Output = Answer> + Send + 'static>(run: impl Fn(usize) -> F) -> Vec<Answer> {
    join_all((0..MANY).map(|n| tokio::spawn(run(n))))
        .await
        .into_iter()
        .map(|answer| answer.expect("an answer"))
        .collect()
}
