//! Requests as the store holds them: the run's own has no entity beside it.

use transload_model::{EntityName, Requests, Wish};

/// Reads stored rows. Words that only a newer version knows are passed over.
pub(crate) fn requests(rows: Vec<(Option<String>, Option<String>)>) -> Requests {
    let mut requests = Requests::default();
    for (entity, status) in rows {
        let Some(wish) = status.as_deref().and_then(Wish::parse) else { continue };
        match entity {
            None => requests.run = Some(wish),
            Some(entity) => requests.entities.extend(EntityName::parse(&entity).ok().map(|entity| (entity, wish))),
        }
    }
    requests
}
