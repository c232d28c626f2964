//! Answers are purged by a request: `…_cache_purge`, `…_cache_purge_tag`.

use std::rc::Rc;

use cache::{Key, Which, Zone};
use http::{Flow, Request};

use crate::caching::Caching;

impl Caching {
    /// Purges the answer to a key, those whose keys begin as it does up to a `*` at its end, or those with the tags that are named.
    /// 204: there were some; 404: there was none.
    pub async fn purge(&self, request: &mut Request, zone: &Rc<Zone>, key: &Key) -> Flow {
        let tags = self.purge_tag.as_ref().map(|template| template.evaluate(request));
        let tags = tags.filter(|tags| !tags.is_empty());
        let count = match (tags, key.text.strip_suffix(b"*")) {
            (Some(tags), _) => {
                let tags = tags.split(|byte| b", ".contains(byte)).filter(|tag| !tag.is_empty());
                zone.purge_many(Which::Tags(tags.map(<[u8]>::to_vec).collect())).await
            }
            (None, Some(prefix)) => zone.purge_many(Which::Prefix(prefix.to_vec())).await,
            (None, None) => usize::from(zone.purge(key).await),
        };
        if count == 0 {
            return Flow::Status(404);
        }
        request.response.set_empty(204);
        Flow::Respond
    }
}
