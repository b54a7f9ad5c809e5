import { describeNest } from './nestjs-apps.js'

describeNest(12)
