#pragma once
// Declarations go here.
