//! Passwords: Argon2id (RFC 9106). Two at a time at most, or a flood of logins would take all cores.

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use argon2::{Algorithm, Argon2, Params, Version};
use tokio::sync::Semaphore;

use crate::access::AccessError;

/// Shortest password, in characters (NIST SP 800-63B asks for eight at least).
pub(crate) const SHORTEST: usize = 10;

/// Longest: beyond it only work is made.
pub(crate) const LONGEST: usize = 200;

/// KiB, passes, lanes: the second recommendation of RFC 9106 with a quarter of its memory, for small machines.
const COST: (u32, u32, u32) = (19 * 1024, 3, 1);

/// Hashes that are made at a time.
static AT_ONCE: Semaphore = Semaphore::const_new(2);

/// What is compared when nobody has the name, so that the time of the answer tells nothing.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=3,p=1$bm9ib2R5IGlzIGhlcmUu$4bMJdHsTRLXyi8CZ5C3yHSwpFmHuqXGT8MMrNNVEgsw";

fn argon2() -> Argon2<'static> {
    let (memory, passes, lanes) = COST;
    let parameters = Params::new(memory, passes, lanes, None).expect("constants within the limits of Argon2");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, parameters)
}

/// What is stored of a password.
pub(crate) async fn hash(password: String) -> Result<String, AccessError> {
    on_a_thread(move || argon2().hash_password(password.as_bytes()).map(|hash| hash.to_string()))
        .await?
        .map_err(|_| AccessError::Random)
}

/// Whether it is the password of what is stored; of nobody, it never is.
pub(crate) async fn matches(password: String, stored: Option<String>) -> Result<bool, AccessError> {
    on_a_thread(move || {
        let known = stored.is_some();
        let stored = stored.unwrap_or_else(|| NOBODY.to_owned());
        let right = PasswordHash::new(&stored)
            .is_ok_and(|hash| argon2().verify_password(password.as_bytes(), &hash).is_ok());
        right && known
    })
    .await
}

async fn on_a_thread<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, AccessError> {
    let _turn = AT_ONCE.acquire().await.map_err(|_| AccessError::Busy)?;
    tokio::task::spawn_blocking(work).await.map_err(|_| AccessError::Busy)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_matches_only_itself_and_nobodys_matches_never() {
        let stored = hash("correct horse".into()).await.unwrap();
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=3,p=1$"), "{stored}");
        assert!(matches("correct horse".into(), Some(stored.clone())).await.unwrap());
        assert!(!matches("correct hors".into(), Some(stored.clone())).await.unwrap());
        assert!(!matches("correct horse".into(), None).await.unwrap());
        assert_ne!(stored, hash("correct horse".into()).await.unwrap(), "salted");
    }

    #[test]
    fn nobody_costs_as_much_as_somebody() {
        let nobody = PasswordHash::new(NOBODY).unwrap();
        let cost = Params::try_from(&nobody).unwrap();
        assert_eq!((cost.m_cost(), cost.t_cost(), cost.p_cost()), COST);
    }
}
