"""What the tool cannot know by itself: how texts of the filter language look."""

import schemathesis
