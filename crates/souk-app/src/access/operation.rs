//! What can be permitted.

/// What a use case asks permission for; the table from role to operations is data in this module.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Operation {
    SendBehaviour,
    SendOrders,
    SendStock,
    SendPrices,
    MergeIdentities,
    Recommend,
    RecommendAnyShopper,
    Search,
    ReadCatalogue,
    WriteCatalogue,
    ReadAggregates,
    ReadMetrics,
    WriteKeys,
    RunImports,
    ExportFacts,
    HandleSubjectRequests,
    Consents,
    ConsentsOfAnyShopper,
    ReadAudit,
    ManageModels,
    ReadRules,
    WriteRules,
    ReadProfiles,
    ProfileOfAnyShopper,
    ReadSegments,
    WriteSegments,
    ReadSegmentMembers,
    ReadReports,
    ReadPlanning,
    WritePlanning,
}

impl Operation {
    /// Every operation.
    pub const ALL: [Operation; 30] = [
        Operation::SendBehaviour,
        Operation::SendOrders,
        Operation::SendStock,
        Operation::SendPrices,
        Operation::MergeIdentities,
        Operation::Recommend,
        Operation::RecommendAnyShopper,
        Operation::Search,
        Operation::ReadCatalogue,
        Operation::WriteCatalogue,
        Operation::ReadAggregates,
        Operation::ReadMetrics,
        Operation::WriteKeys,
        Operation::RunImports,
        Operation::ExportFacts,
        Operation::HandleSubjectRequests,
        Operation::Consents,
        Operation::ConsentsOfAnyShopper,
        Operation::ReadAudit,
        Operation::ManageModels,
        Operation::ReadRules,
        Operation::WriteRules,
        Operation::ReadProfiles,
        Operation::ProfileOfAnyShopper,
        Operation::ReadSegments,
        Operation::WriteSegments,
        Operation::ReadSegmentMembers,
        Operation::ReadReports,
        Operation::ReadPlanning,
        Operation::WritePlanning,
    ];

    /// What it is, to follow "role `x` may not".
    pub fn as_str(self) -> &'static str {
        match self {
            Operation::SendBehaviour => "send behaviour",
            Operation::SendOrders => "send orders",
            Operation::SendStock => "send stock",
            Operation::SendPrices => "send prices or promotions",
            Operation::MergeIdentities => "merge identities",
            Operation::Recommend => "ask for recommendations",
            Operation::RecommendAnyShopper => "ask for recommendations of any shopper",
            Operation::Search => "search for products",
            Operation::ReadCatalogue => "read the catalogue",
            Operation::WriteCatalogue => "change the catalogue",
            Operation::ReadAggregates => "read aggregates",
            Operation::ReadMetrics => "read metrics",
            Operation::WriteKeys => "make, list or revoke keys",
            Operation::RunImports => "import files",
            Operation::ExportFacts => "export facts",
            Operation::HandleSubjectRequests => "handle requests of people about their data",
            Operation::Consents => "read or change consents",
            Operation::ConsentsOfAnyShopper => "read or change consents of this shopper",
            Operation::ReadAudit => "read the audit log",
            Operation::ManageModels => "learn models or put them in service",
            Operation::ReadRules => "read the rules",
            Operation::WriteRules => "change or preview rules, or change synonyms",
            Operation::ReadProfiles => "read what is known of a shopper",
            Operation::ProfileOfAnyShopper => "read what is known of this shopper",
            Operation::ReadSegments => "read segments and their sizes",
            Operation::WriteSegments => "change segments",
            Operation::ReadSegmentMembers => {
                "list the people of a segment, or whom a product may be for"
            }
            Operation::ReadReports => "read reports on recommendations",
            Operation::ReadPlanning => "read stock, forecasts, suppliers or purchase orders",
            Operation::WritePlanning => "change suppliers or purchase orders",
        }
    }
}
