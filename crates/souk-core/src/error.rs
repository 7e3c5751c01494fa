/// What a caller can do about a failure: HTTP status, exit code and retry derive from it alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The request is wrong; the same request will fail again.
    InvalidInput,
    /// What the request names does not exist.
    NotFound,
    /// The request contradicts the present state.
    Conflict,
    /// The caller is not known.
    Unauthenticated,
    /// The caller is known and may not do this.
    Denied,
    /// Too many requests; try again later.
    RateLimited,
    /// The program is still starting or the data is still too little; try again later.
    NotReady,
    /// A part that the request needs does not answer; try again.
    Unavailable,
    /// The disk is full; free some space, then try again.
    StorageFull,
    /// The program is wrong, or what it stored is damaged.
    Bug,
}

impl ErrorKind {
    /// Every kind, for tables and tests.
    pub const ALL: [ErrorKind; 10] = [
        ErrorKind::InvalidInput,
        ErrorKind::NotFound,
        ErrorKind::Conflict,
        ErrorKind::Unauthenticated,
        ErrorKind::Denied,
        ErrorKind::RateLimited,
        ErrorKind::NotReady,
        ErrorKind::Unavailable,
        ErrorKind::StorageFull,
        ErrorKind::Bug,
    ];

    /// The HTTP status of an answer that failed this way.
    pub fn http_status(self) -> u16 {
        match self {
            ErrorKind::InvalidInput => 422,
            ErrorKind::NotFound => 404,
            ErrorKind::Conflict => 409,
            ErrorKind::Unauthenticated => 401,
            ErrorKind::Denied => 403,
            ErrorKind::RateLimited => 429,
            ErrorKind::NotReady | ErrorKind::Unavailable => 503,
            ErrorKind::StorageFull => 507,
            ErrorKind::Bug => 500,
        }
    }

    /// The exit code of a command that failed this way: 2 for bad usage or bad input, 1 otherwise.
    pub fn exit_code(self) -> u8 {
        match self {
            ErrorKind::InvalidInput => 2,
            _ => 1,
        }
    }

    /// Whether the same request may succeed later.
    pub fn is_retryable(self) -> bool {
        matches!(
            self,
            ErrorKind::RateLimited
                | ErrorKind::NotReady
                | ErrorKind::Unavailable
                | ErrorKind::StorageFull
        )
    }
}

#[cfg(test)]
mod tests;
