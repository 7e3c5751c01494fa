//! Learning to mix readings of a session, from the end of the training part.

use super::{Session, SessionRow, index_of, sessions_of};
use crate::parallel::Rests;
use crate::session::{MixtureLessons, SessionMixture, SessionParams, tree_params};
use crate::visits::VisitIndex;
use souk_math::parallel::for_chunks;

/// The part of the training sessions, the last by time, that teaches.
const LESSONS_SHARE: f64 = 0.25;
/// Steps that teach at most.
const LESSONS_MAX: usize = 30_000;
/// Lessons are gone through on so many threads; the result does not depend on it.
const THREADS: usize = 2;
/// Sessions whose lessons one thread makes at a time.
const SESSIONS_AT_ONCE: usize = 200;

/// Learns from the last sessions of the training part, on an index of those before.
///
/// With `valid`, trees grow until they no longer help there; else until they no longer help on the last
/// fifth of the sessions that teach. None when nothing can be learned.
pub fn learn_mixture(
    train: &[SessionRow],
    valid: Option<&[SessionRow]>,
    params: SessionParams,
) -> Option<SessionMixture> {
    let mut before = sessions_of(train);
    before.sort_by_key(|session| (session.times.last().copied(), session.number));
    let n_lessons = (before.len() as f64 * LESSONS_SHARE) as usize;
    let mut teach = before.split_off(before.len() - n_lessons);
    let index = index_of(&before);
    let judges = match valid {
        Some(valid) => lessons(&index_of(&sessions_of(train)), &sessions_of(valid), params),
        None => lessons(&index, &teach.split_off(teach.len() - teach.len() / 5), params),
    };
    let every = teach.iter().map(|session| session.items.len() - 1).sum::<usize>();
    let teach: Vec<Session> =
        teach.into_iter().step_by(every.div_ceil(LESSONS_MAX).max(1)).collect();
    let lessons = lessons(&index, &teach, params);
    let mixture = lessons.fit(Some(&judges), (&tree_params(), THREADS, Rests::NONE));
    (mixture.trees().n_trees() > 0).then_some(mixture)
}

/// Every step of some sessions.
fn lessons(index: &VisitIndex, sessions: &[Session], params: SessionParams) -> MixtureLessons {
    let mut parts: Vec<(&[Session], MixtureLessons)> = sessions
        .chunks(SESSIONS_AT_ONCE)
        .map(|sessions| (sessions, MixtureLessons::new(params)))
        .collect();
    for_chunks(
        &mut parts,
        (THREADS, 1),
        || (),
        |_, _, parts| {
            for (sessions, lessons) in parts {
                for session in *sessions {
                    for step in 1..session.items.len() {
                        let query = session.query(step, 1);
                        lessons.add(index, (&query, &session.times[..step]), session.items[step]);
                    }
                }
            }
        },
    );
    parts.iter().fold(MixtureLessons::new(params), |mut all, (_, part)| {
        all.extend(part);
        all
    })
}
