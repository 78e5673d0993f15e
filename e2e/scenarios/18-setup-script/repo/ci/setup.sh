#!/bin/sh
echo set up
echo ready > state
