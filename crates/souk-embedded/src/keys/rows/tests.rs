#![allow(clippy::unwrap_used)]

use std::collections::HashMap;

use proptest::collection::vec;
use proptest::prelude::*;
use souk_privacy::seal::WRAPPED_BYTES;

use super::*;

fn entry(n: u8, life: u8) -> Entry {
    let mut subject = [n; 16];
    subject[15] = life;
    // The beginnings are equal for every eighth, so that the indexes have collisions to tell apart.
    let mut id = [n % 8; 16];
    id[15] = n;
    let key = WrappedKey([n ^ life; WRAPPED_BYTES]);
    Entry { id: IdHash(id), subject: SubjectId(subject), key }
}

proptest! {
    #[test]
    fn equals_two_maps(steps in vec((0u8..40, any::<bool>()), 1..300)) {
        let mut rows = Rows::default();
        let mut model: HashMap<u8, Entry> = HashMap::new();
        for (life, (n, is_added)) in steps.into_iter().enumerate() {
            match (is_added, model.get(&n)) {
                (true, None) => {
                    let entry = entry(n, life as u8);
                    rows.insert(entry);
                    model.insert(n, entry);
                }
                (false, Some(known)) => {
                    rows.remove(&known.subject);
                    model.remove(&n);
                }
                (true, Some(known)) => {
                    let key = WrappedKey([life as u8; WRAPPED_BYTES]);
                    rows.set_key(&known.subject, key);
                    model.get_mut(&n).unwrap().key = key;
                }
                (false, None) => rows.remove(&entry(n, 0).subject),
            }
            prop_assert_eq!(rows.len(), model.len());
            for n in 0..40 {
                let id = entry(n, 0).id;
                let known = model.get(&n);
                prop_assert_eq!(rows.subject(&id), known.map(|known| known.subject));
                if let Some(known) = known {
                    prop_assert_eq!(rows.key(&known.subject), Some(known.key));
                    prop_assert_eq!(rows.id(&known.subject), Some(id));
                }
            }
        }
        let (mut seen, mut from) = (0, Some(0));
        while let Some(place) = from {
            let (part, next) = rows.part(place, 7);
            seen += part.len();
            from = next;
        }
        prop_assert_eq!(seen, model.len());
    }
}
