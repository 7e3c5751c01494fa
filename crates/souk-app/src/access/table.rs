//! Which role may do what: the only place that decides it.

use super::{Operation, Role};

/// The operations of each role; `Admin` may do everything and has no row.
///
/// A browser key sits in a page where anyone can read it, so it may only add behaviour of somebody
/// unknown or read what everybody may see.
const TABLE: &[(Role, &[Operation])] = &[
    (Role::IngestBrowser, &[Operation::SendBehaviour]),
    (
        Role::IngestServer,
        &[
            Operation::SendBehaviour,
            Operation::SendOrders,
            Operation::SendStock,
            Operation::SendPrices,
            Operation::MergeIdentities,
            Operation::Consents,
            Operation::ConsentsOfAnyShopper,
        ],
    ),
    (
        Role::StorefrontBrowser,
        &[
            Operation::Recommend,
            Operation::Search,
            Operation::ReadCatalogue,
            Operation::Consents,
            Operation::ReadProfiles,
        ],
    ),
    (
        Role::StorefrontServer,
        &[
            Operation::Recommend,
            Operation::Search,
            Operation::RecommendAnyShopper,
            Operation::ReadCatalogue,
            Operation::Consents,
            Operation::ConsentsOfAnyShopper,
            Operation::ReadProfiles,
            Operation::ProfileOfAnyShopper,
        ],
    ),
    (
        Role::Analyst,
        &[
            Operation::ReadCatalogue,
            Operation::ReadAggregates,
            Operation::ReadMetrics,
            Operation::ReadRules,
            Operation::ReadSegments,
            Operation::ReadReports,
        ],
    ),
    (
        Role::Merchandiser,
        &[
            Operation::Recommend,
            Operation::Search,
            Operation::ReadCatalogue,
            Operation::WriteCatalogue,
            Operation::SendPrices,
            Operation::ReadAggregates,
            Operation::ManageModels,
            Operation::ReadRules,
            Operation::WriteRules,
            Operation::ReadSegments,
            Operation::WriteSegments,
            Operation::ReadReports,
        ],
    ),
    (
        Role::Planner,
        &[
            Operation::ReadCatalogue,
            Operation::SendStock,
            Operation::ReadAggregates,
            Operation::ReadPlanning,
            Operation::WritePlanning,
        ],
    ),
    (
        Role::Privacy,
        &[
            Operation::HandleSubjectRequests,
            Operation::Consents,
            Operation::ConsentsOfAnyShopper,
            Operation::ReadAudit,
            // What a person asks to know of their own data.
            Operation::ReadProfiles,
            Operation::ProfileOfAnyShopper,
        ],
    ),
];

/// Whether the role has the operation.
pub(super) fn allows(role: Role, operation: Operation) -> bool {
    role == Role::Admin
        || TABLE.iter().any(|(of, operations)| *of == role && operations.contains(&operation))
}
