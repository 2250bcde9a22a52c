//! A browser as the client, and its pixels.

use anyhow::Result;

use crate::stage::Stage;

pub fn browser(_stage: &Stage) -> Result<()> {
    anyhow::bail!("not yet")
}
