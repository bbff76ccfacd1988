//! The macro behind the table of problem types.

/// Makes the enum and its columns from rows `/// title`, `Name = { … }`.
macro_rules! problem_codes {
    ($(
        #[doc = $title:literal]
        $name:ident = { code: $code:literal, status: $status:ident, remedy: $remedy:literal $(,)? }
    )+) => {
        /// Reason for which the API refuses a request.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum ProblemCode {
            $(#[doc = $title] $name,)+
        }

        impl ProblemCode {
            /// Every code, in the order of the documentation.
            pub const ALL: &'static [ProblemCode] = &[$(ProblemCode::$name),+];

            /// The stable name, for programs.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(ProblemCode::$name => $code,)+
                }
            }

            /// The status of the answer.
            #[must_use]
            pub const fn status(self) -> StatusCode {
                match self {
                    $(ProblemCode::$name => StatusCode::$status,)+
                }
            }

            /// What is wrong, in a few words that are the same for each occurrence.
            #[must_use]
            pub const fn title(self) -> &'static str {
                match self {
                    $(ProblemCode::$name => $title.trim_ascii(),)+
                }
            }

            /// The act that helps.
            #[must_use]
            pub const fn remedy(self) -> &'static str {
                match self {
                    $(ProblemCode::$name => $remedy,)+
                }
            }
        }
    };
}
