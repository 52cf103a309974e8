"""What comes in the box. Each module enters through its entry point, as a stranger's plugin would."""
