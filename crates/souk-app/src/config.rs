/// Every setting, as `souk.yaml` explains it.
#[derive(Clone, Debug, Default)]
pub struct Config {}
