//! Wrong guesses at doors where anybody may guess. They are counted in the database, where all replicas see them.

use deadpool_postgres::Object;
use tokio_postgres::types::ToSql;

use crate::database::{DatabaseError, Trying};

/// How long misses count, in minutes.
const MINUTES: i32 = 15;

/// A door, and how many misses it takes until it stays shut for a while.
pub(crate) struct Door {
    /// As it is stored.
    pub name: &'static str,
    /// Misses of one peer.
    pub peer_max: i64,
    /// Misses of guesses that are alike.
    pub guess_max: i64,
    /// Whether those of all peers count together. Where a guess names somebody, any stranger could lock them out.
    pub guess_of_all: bool,
    /// Misses of all.
    pub all_max: i64,
}

impl Door {
    /// Whether this peer must wait, or whoever guesses this, and how many seconds.
    pub(crate) async fn throttled(
        &self,
        connection: &Object,
        peer: &str,
        guess: &[u8],
    ) -> Result<Option<u32>, DatabaseError> {
        let sql = "SELECT count(*) FILTER (WHERE peer = $2), count(*) FILTER (WHERE guess = $3 AND ($5 OR peer = $2)), count(*)
                   FROM miss WHERE door = $1 AND at > now() - make_interval(mins => $4)";
        let parameters: [&(dyn ToSql + Sync); 5] = [&self.name, &peer, &guess, &MINUTES, &self.guess_of_all];
        let row = connection.query_one(sql, &parameters).await.trying("count misses")?;
        let most = [self.peer_max, self.guess_max, self.all_max];
        let over = most.iter().enumerate().any(|(n, most)| row.get::<_, i64>(n) >= *most);
        Ok(over.then(|| MINUTES.unsigned_abs() * 60))
    }

    /// Counts a miss, and forgets old ones.
    pub(crate) async fn note(
        &self,
        connection: &Object,
        peer: &str,
        guess: &[u8],
    ) -> Result<(), DatabaseError> {
        let sql = "WITH old AS (DELETE FROM miss WHERE at < now() - interval '1 day')
                   INSERT INTO miss (door, peer, guess) VALUES ($1, $2, $3)";
        connection.execute(sql, &[&self.name, &peer, &guess]).await.trying("count a miss")?;
        Ok(())
    }
}
