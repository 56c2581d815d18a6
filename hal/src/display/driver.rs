//! The driver of one display over an open link.

use std::time::Duration;

use tokio::time::Instant;

use super::{Brightness, DisplayError, DisplayProfile, LineDisplay, REPAINT_EVERY, Screen, codec};
use crate::link::{Link, Traffic};

/// Both lines take 50 ms at 9600 bit/s; a link that does not take them in this time is stuck.
const WRITE_WITHIN: Duration = Duration::from_secs(2);

/// A two-line display over an open link. What it shows when dropped stays on it.
#[derive(Debug)]
pub struct CustomerDisplay {
    link: Link,
    profile: DisplayProfile,
    screen: Screen,
    brightness: Brightness,
    painted_at: Instant,
}

impl CustomerDisplay {
    /// Takes over an open link, sets the display up and shows an empty screen.
    ///
    /// # Errors
    /// [`DisplayError::Link`]. A display that is not there is noticed only where the link notices it.
    pub async fn connect(link: Link, profile: DisplayProfile) -> Result<Self, DisplayError> {
        let (screen, brightness) = (Screen::default(), Brightness::default());
        let mut display = Self { link, profile, screen, brightness, painted_at: Instant::now() };
        display.repaint().await?;
        Ok(display)
    }

    /// Bytes in and out since the link was opened.
    #[must_use]
    pub fn traffic(&self) -> Traffic {
        self.link.traffic()
    }

    /// Sets the display up and paints it, whatever state it is in.
    async fn repaint(&mut self) -> Result<(), DisplayError> {
        let mut bytes = codec::initialise(&self.profile, self.brightness);
        bytes.extend(codec::paint(&self.profile, &self.screen));
        self.send(&bytes).await
    }

    async fn paint(&mut self) -> Result<(), DisplayError> {
        let bytes = codec::paint(&self.profile, &self.screen);
        self.send(&bytes).await
    }

    async fn send(&mut self, bytes: &[u8]) -> Result<(), DisplayError> {
        self.painted_at = Instant::now();
        Ok(self.link.send(bytes, WRITE_WITHIN).await?)
    }
}

impl LineDisplay for CustomerDisplay {
    async fn show(&mut self, screen: &Screen) -> Result<(), DisplayError> {
        self.screen.clone_from(screen);
        self.paint().await
    }

    async fn set_brightness(&mut self, level: Brightness) -> Result<(), DisplayError> {
        self.brightness = level;
        let bytes = codec::brightness(self.profile.dialect, level);
        self.send(&bytes).await?;
        self.paint().await
    }

    async fn keep(&mut self) -> DisplayError {
        let mut ignored = [0; 64];
        loop {
            let due = self.painted_at + REPAINT_EVERY;
            // A display says nothing we could use; reading is how a closed link is noticed.
            match tokio::time::timeout_at(due, self.link.receive(&mut ignored)).await {
                Ok(Ok(_)) => {}
                Ok(Err(error)) => return error.into(),
                Err(_) => {
                    if let Err(error) = self.repaint().await {
                        return error;
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt;

    use super::*;

    async fn read(stream: &mut tokio::io::DuplexStream) -> Vec<u8> {
        let mut buffer = [0; 256];
        let n = stream.read(&mut buffer).await.unwrap();
        buffer[..n].to_vec()
    }

    #[tokio::test(start_paused = true)]
    async fn a_display_is_painted_on_change_and_again_every_half_minute() {
        let (ours, mut theirs) = tokio::io::duplex(1_024);
        let link = Link::over(ours, "display");
        let mut display = CustomerDisplay::connect(link, DisplayProfile::cd5220()).await.unwrap();
        assert!(read(&mut theirs).await.starts_with(&[0x1B, 0x40]));

        display.show(&Screen::new("Welcome", "Bienvenue")).await.unwrap();
        let painted = read(&mut theirs).await;
        assert_eq!(painted, b"\x1BQAWelcome             \x0D\x1BQBBienvenue           \x0D");

        let began = Instant::now();
        let repainted = tokio::select! {
            error = display.keep() => panic!("{error}"),
            bytes = read(&mut theirs) => bytes,
        };
        assert_eq!(began.elapsed(), REPAINT_EVERY);
        assert!(repainted.starts_with(&[0x1B, 0x40]) && repainted.ends_with(&painted));

        display.set_brightness(Brightness::Half).await.unwrap();
        let dimmed = read(&mut theirs).await;
        assert!(dimmed.starts_with(&[0x0C, 0x1B, 0x2A, 2]) && dimmed.ends_with(&painted));
    }

    #[tokio::test(start_paused = true)]
    async fn a_display_that_is_unplugged_ends_the_keeping() {
        let (ours, theirs) = tokio::io::duplex(1_024);
        let mut display =
            CustomerDisplay::connect(Link::over(ours, "display"), DisplayProfile::epson()).await.unwrap();
        drop(theirs);
        assert!(matches!(display.keep().await, DisplayError::Link(_)));
        assert!(display.show(&Screen::new("a", "b")).await.is_err());
    }
}
